/** One run of a pipeline: stages in order, conditions, parallel branches, commands really executed, post by outcome. */
class Build extends Workspace {
    GroovyShell shell
    Map<String, Object> params = [:]
    Map<String, String> global = [:]
    Map current = [displayName: '', description: '', result: null]
    List<Map> stages = [].asSynchronized()
    List<Map> ran = [].asSynchronized()
    List<Map> did = [].asSynchronized()
    int allocations = 0
    static Map run(Map given) {
        def build = new Build(given: given)
        HERE.set([env: [:], folder: null, stage: '', group: null])
        def problem = null
        try {
            build.start()
        } catch (Broken error) {
            problem = error.message
        } catch (MissingMethodException | MissingPropertyException | IllegalArgumentException error) {
            problem = "${error.class.simpleName}: ${error.message}".toString()
            build.current.result = 'MODEL'
        }
        [result: build.outcome(), problem: problem, stages: build.stages, ran: build.ran, did: build.did, name: build.current.displayName,
         description: build.current.description, log: build.log.toString()]
    }

    String outcome() { current.result ?: 'SUCCESS' }

    void start() {
        def names = new Binding()
        shell = new GroovyShell(names)
        names.setVariable('env', new Env(build: this))
        names.setVariable('params', params)
        names.setVariable('currentBuild', new Current(build: this))
        names.setVariable('scm', 'scm')
        ['none', 'any'].each { names.setVariable(it, it) }
        names.setVariable('pipeline', { Closure body -> pipeline(body) })
        // What a loaded file calls by a bare name.
        given.steps.each { step -> names.setVariable(step, { Object... arguments -> new Steps(build: this).invokeMethod(step, arguments) }) }
        new Steps(build: this).symbols.each { symbol -> names.setVariable(symbol, { Object... arguments -> new Steps(build: this).invokeMethod(symbol, arguments) }) }
        shell.evaluate(new File(given.file as String))
    }

    // Blocks: what they declare is collected first, and then acted upon.

    static Map<String, List> declaredIn(Closure body) {
        def found = [:].withDefault { [] }
        body = (Closure) body.clone()
        body.delegate = new Collector(found: found)
        body.resolveStrategy = Closure.DELEGATE_FIRST
        body.call()
        found
    }

    static Closure last(List arguments) { (Closure) arguments[-1] }

    void pipeline(Closure body) {
        def parts = declaredIn(body)
        declareParameters(parts.parameters ? last(parts.parameters[0]) : null)
        try {
            around(parts, 'pipeline') { stageList(last(parts.stages[0])) }
        } catch (Broken error) {
            note(error)
            throw error
        } finally {
            if (parts.agent[0] == ['none'] || !parts.post) { withEnv(environment(parts)) { post(parts) } }
        }
    }

    void note(Broken error) { if (!current.result || current.result == 'UNSTABLE') { current.result = error.result } }

    void declareParameters(Closure body) {
        if (body == null || given.first) { return }
        declaredIn(body).each { type, calls -> calls.each { one ->
            def name = one[0].name
            def value = type == 'choice' ? one[0].choices[0] : one[0].defaultValue
            params[name] = given.params.containsKey(name) ? given.params[name] : value
        } }
        def unknown = given.params.keySet() - params.keySet()
        if (unknown) { throw new IllegalArgumentException("no such parameters: ${unknown}") }
    }

    /** Agent, environment and post around a body, as pipelines and stages have them. */
    void around(Map parts, String what, Closure body) {
        def agent = parts.agent ? parts.agent[0] : ['none']
        def act = {
            withEnv(environment(parts)) {
                if (what == 'pipeline' && agent == ['none']) { body() } else {
                    try { body() } catch (Broken error) { note(error); throw error } finally { post(parts) }
                }
            }
        }
        agent == ['none'] || !parts.agent ? act() : allocate(act)
    }

    void post(Map parts) {
        if (!parts.post) { return }
        def result = outcome()
        def conditions = [always: true, success: result == 'SUCCESS', failure: result == 'FAILURE', aborted: result == 'ABORTED',
                          unstable: result == 'UNSTABLE', unsuccessful: result != 'SUCCESS', cleanup: true]
        def declared = declaredIn(last(parts.post[0]))
        conditions.each { name, holds -> if (holds) { declared[name].each { steps(last(it)) } } }
    }

    Map environment(Map parts) {
        if (!parts.environment) { return [:] }
        def body = (Closure) last(parts.environment[0]).clone()
        def found = new Assigned(build: this)
        body.delegate = found
        body.resolveStrategy = Closure.DELEGATE_FIRST
        body.call()
        found.values
    }

    void stageList(Closure body) {
        declaredIn(body).stage.each { stage(it[0] as String, last(it)) }
    }

    void stage(String name, Closure body) {
        def parts = declaredIn(body)
        def entry = [stage: name, status: 'done', started: System.currentTimeMillis()]
        stages << entry
        def outer = HERE.get().stage
        HERE.get().stage = name
        try {
            def when = parts.when ? last(parts.when[0]) : null
            def early = when != null && declaredIn(when).keySet().any { it in ['beforeAgent', 'beforeInput'] }
            if (early && !holds(when)) { entry.status = 'skipped'; return }
            if (parts.input) { throw new IllegalArgumentException('the model knows input as a step alone') }
            around(parts, 'stage') {
                if (when != null && !early && !holds(when)) { entry.status = 'skipped'; return }
                if (parts.steps) { steps(last(parts.steps[0])) }
                if (parts.stages) { stageList(last(parts.stages[0])) }
                if (parts.parallel) {
                    def branches = declaredIn(last(parts.parallel[0])).stage.collectEntries { one -> [(one[0]): { stage(one[0] as String, last(one)) }] }
                    parallel(branches, parts.failFast == [[true]])
                }
            }
        } catch (Broken error) {
            entry.status = error.result == 'ABORTED' ? 'aborted' : 'failed'
            throw error
        } finally {
            entry.seconds = (System.currentTimeMillis() - entry.remove('started')) / 1000.0
            HERE.get().stage = outer
        }
    }

    boolean holds(Closure when) {
        declaredIn(when).every { name, calls -> calls.every { condition(name, it) } }
    }

    boolean condition(String name, List one) {
        switch (name) {
            case ~/before.*/: return true
            case 'not': return !holds(last(one))
            case 'allOf': return holds(last(one))
            case 'anyOf': return declaredIn(last(one)).any { inner, calls -> calls.any { condition(inner, it) } }
            case 'branch': return variables().BRANCH_NAME == one[0]
            case 'environment': return variables()[one[0].name] == one[0].value
            case 'triggeredBy': return one[0] in (given.causes ?: [])
            case 'expression': return steps(last(one)) as boolean
            default: throw new IllegalArgumentException("the model knows no condition ${name}")
        }
    }

    Object steps(Closure body) {
        body = (Closure) body.clone()
        body.delegate = new Steps(build: this)
        body.resolveStrategy = Closure.DELEGATE_FIRST
        body.call()
    }

    void parallel(Map branches, boolean failFast) {
        def group = [ended: false, processes: [].asSynchronized()]
        def failures = [].asSynchronized()
        HERE.get().group = group
        def threads = branches.findAll { it.key != 'failFast' }.collect { name, branch ->
            def thread = new Thread({
                try {
                    branch()
                } catch (Broken error) {
                    failures << error
                    if (failFast && !group.ended) { group.ended = true; group.processes.each { it.destroy() } }
                }
            })
            thread.start()
            thread
        }
        threads*.join()
        HERE.get().group = null
        if (failures) { throw failures[0] }
    }

    // Variables, workspaces and commands.

    Map<String, String> variables() {
        def all = new LinkedHashMap<String, String>()
        all.putAll(given.env ?: [:])
        params.each { name, value -> all[name as String] = value.toString() }
        all.putAll(global)
        all.putAll(HERE.get().env)
        all
    }

    Object withEnv(Map values, Closure body) {
        def before = HERE.get().env
        HERE.get().env = before + values
        try { body() } finally { HERE.get().env = before }
    }

    Object allocate(Closure body) {
        def before = HERE.get().folder
        allocations += 1
        def folder = new File(given.workspace as String, given.machines > 1 ? "machine-${allocations % given.machines}" : 'machine')
        HERE.get().folder = folder
        checkout(folder)
        // By this and the cookie of each command Jenkins finds the processes of a build, to end them.
        try { withEnv([JENKINS_NODE_COOKIE: UUID.randomUUID().toString()], body) } finally { HERE.get().folder = before }
    }

    Object sh(Map arguments) {
        def here = HERE.get()
        if (here.folder == null) { throw new Broken('FAILURE', "Required context class hudson.FilePath is missing: sh '${arguments.script}' has no agent") }
        if (here.group?.ended) { throw new Broken('ABORTED', 'Failed in another branch') }
        def entry = [sh: arguments.script, stage: here.stage, machine: here.folder.name]
        def started = System.currentTimeMillis()
        def builder = new ProcessBuilder('sh', '-e', '-c', arguments.script as String).directory(here.folder)
        def environment = builder.environment()
        environment.clear()
        environment.putAll(variables().findAll { it.value != null })
        environment.WORKSPACE = here.folder.path
        environment.JENKINS_SERVER_COOKIE = 'durable-' + Integer.toHexString(here.folder.path.hashCode())
        entry.env = given.tell ? variables().findAll { it.key in given.tell } : [:]
        def process = builder.start()
        here.group?.processes?.add(process)
        def out = new StringBuffer()
        log.append("+ ${arguments.script}\n")
        arguments.returnStdout ? process.waitForProcessOutput(out, log) : process.waitForProcessOutput(log, log)
        entry.code = process.exitValue()
        entry.seconds = (System.currentTimeMillis() - started) / 1000.0
        ran << entry
        if (entry.code && here.group?.ended) { throw new Broken('ABORTED', 'Failed in another branch') }
        if (arguments.returnStatus) { return entry.code }
        if (entry.code) { throw new Broken('FAILURE', "script returned exit code ${entry.code}") }
        arguments.returnStdout ? out.toString() : null
    }
}

/** Notes each call in a block of declarations, by name. */
class Collector {
    Map found
    Object invokeMethod(String name, Object arguments) { found[name] << (arguments as List); null }
    Object getProperty(String name) { name in ['none', 'any'] ? name : this.@found[name] }
}

/** The left sides of an environment block. */
class Assigned {
    Build build
    Map values = [:]
    void setProperty(String name, Object value) {
        value instanceof Map ? value.each { suffix, one -> values[name + suffix] = one } : (values[name] = value.toString())
    }
    Object getProperty(String name) { name == 'values' ? this.@values : build.shell.context.getVariable(name) }
    Object credentials(String id) {
        def one = build.given.credentials[id]
        if (one == null) { throw new Broken('FAILURE', "Could not find credentials entry with ID '${id}'") }
        build.here()
        one instanceof Map ? ['': "${one.user}:${one.password}".toString(), _USR: one.user, _PSW: one.password] : ['': one]
    }
}

class Env {
    Build build
    Object getProperty(String name) { this.@build.variables()[name] }
    void setProperty(String name, Object value) { this.@build.global[name] = value?.toString() }
}

class Current {
    Build build
    Object getProperty(String name) {
        def build = this.@build
        name == 'currentResult' ? build.outcome() : build.current[name]
    }
    void setProperty(String name, Object value) { this.@build.current[name] = value }
}

/** How a build may end before its last stage. */
class Broken extends RuntimeException {
    String result
    Broken(String result, String message) { super(message); this.result = result }
}
