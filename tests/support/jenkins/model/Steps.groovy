/** The steps that the pipelines use, each doing what it does in Jenkins, as far as a test can see. */
class Steps {
    static final SYMBOLS = ['string', 'booleanParam', 'choice', 'requestor', 'culprits', 'usernamePassword', 'file', 'zip']
    Build build

    List getSymbols() { SYMBOLS }

    Object getProperty(String name) {
        switch (name) {
            case 'build': return this.@build
            case 'symbols': return SYMBOLS
            default: return this.@build.shell.context.getVariable(name)
        }
    }

    Object invokeMethod(String name, Object given) {
        def arguments = given as List
        if (name in SYMBOLS) { return [symbol: name] + (arguments ? arguments[0] as Map : [:]) }
        def method = this.metaClass.respondsTo(this, "do_${name}", [List] as Object[])
        if (!method) { throw new IllegalArgumentException("the model knows no step ${name}") }
        this.metaClass.invokeMethod(this, "do_${name}", [arguments] as Object[])
    }

    private static Map named(List arguments, String first) {
        def one = arguments[0]
        one instanceof Map ? one : [(first): one]
    }

    private static Closure body(List arguments) { (Closure) arguments[-1] }

    private Object within(Closure body) { build.steps(body) }

    Object do_sh(List arguments) { build.sh(named(arguments, 'script')) }
    Object do_script(List arguments) { within(body(arguments)) }
    Object do_error(List arguments) { throw new Broken('FAILURE', arguments[0] as String) }
    Object do_stage(List arguments) { build.stages << [stage: arguments[0], status: 'done']; within(body(arguments)) }
    Object do_node(List arguments) { build.allocate { within(body(arguments)) } }
    Object do_checkout(List arguments) { build.checkout(build.here()) }
    Object do_timeout(List arguments) { within(body(arguments)) }
    Object do_parallel(List arguments) {
        def branches = arguments[0].collectEntries { name, branch -> [(name): branch instanceof Closure ? { within(branch) } : branch] }
        build.parallel(branches, arguments[0].failFast == true)
    }

    Object do_withEnv(List arguments) {
        def values = arguments[0].collectEntries { pair -> def (name, value) = pair.toString().split('=', 2); [(name): value] }
        build.withEnv(values) { within(body(arguments)) }
    }

    Object do_withCredentials(List arguments) {
        def values = [:]
        arguments[0].each { one ->
            def known = build.given.credentials[one.credentialsId]
            if (known == null) { throw new Broken('FAILURE', "Could not find credentials entry with ID '${one.credentialsId}'") }
            if (one.variable) { values[one.variable] = known } else { values[one.usernameVariable] = known.user; values[one.passwordVariable] = known.password }
        }
        build.withEnv(values) { within(body(arguments)) }
    }

    Object do_catchError(List arguments) {
        try { within(body(arguments)) } catch (Broken error) { build.note(error) }
    }

    /** One value for one question, a map for several; who may not answer is refused, so that nobody answers. */
    Object do_input(List arguments) {
        def given = arguments[0], answer = build.given.input, asked = given.parameters ?: []
        told('input', [message: given.message, submitter: given.submitter, choices: asked*.choices, agent: Build.HERE.get().folder as String])
        def may = given.submitter?.split(',')*.trim()
        if (!answer || (may && !(answer.submitter in may))) { throw new Broken('ABORTED', 'Rejected') }
        def values = asked.collectEntries { [(it.name): answer[it.name] ?: it.choices?.getAt(0) ?: it.defaultValue] }
        if (given.submitterParameter) { values[given.submitterParameter] = answer.submitter }
        values.size() == 1 ? values.values()[0] : values
    }

    Object do_stash(List arguments) {
        def given = arguments[0]
        def found = build.files(given.includes as String, given.excludes as String)
        if (!found && !given.allowEmpty) { throw new Broken('FAILURE', "No files included in stash '${given.name}'") }
        build.stash(given.name as String, found)
    }

    Object do_unstash(List arguments) { build.unstash(named(arguments, 'name').name as String) }
    Object do_load(List arguments) { build.shell.evaluate(new File(build.here(), arguments[0] as String)) }
    Object do_readFile(List arguments) { new File(build.here(), named(arguments, 'file').file as String).text }
    Object do_writeFile(List arguments) {
        def file = new File(build.here(), arguments[0].file as String)
        file.parentFile.mkdirs()
        file.text = arguments[0].text
    }
    Object do_unstable(List arguments) { if (!build.current.result) { build.current.result = 'UNSTABLE' } }

    Object do_junit(List arguments) {
        def given = named(arguments, 'testResults')
        def found = build.files(given.testResults as String)
        if (!found && !given.allowEmptyResults) { throw new Broken('FAILURE', 'No test report files were found') }
        def failed = found.findAll { new File(build.here(), it).text =~ /<(failure|error)\b/ }
        if (failed && !build.current.result) { build.current.result = 'UNSTABLE' }
        told('junit', [files: found])
    }

    Object do_archiveArtifacts(List arguments) {
        def given = named(arguments, 'artifacts')
        def found = build.files(given.artifacts as String, given.excludes as String)
        if (!found && !given.allowEmptyArchive) { throw new Broken('FAILURE', 'No artifacts found') }
        told('archiveArtifacts', [files: found])
    }

    Object do_publishHTML(List arguments) {
        def target = arguments[0].target
        def index = new File(build.here(), "${target.reportDir}/${target.reportFiles}")
        if (!index.isFile() && !target.allowMissing) { throw new Broken('FAILURE', "no ${index}") }
        told('publishHTML', [name: target.reportName, there: index.isFile()])
    }

    Object do_emailext(List arguments) { told('emailext', arguments[0]) }
    Object do_milestone(List arguments) { told('milestone', named(arguments, 'ordinal')) }

    Object do_build(List arguments) {
        def given = arguments[0]
        told('build', [job: given.job, wait: given.wait != false, parameters: (given.parameters ?: []).collectEntries { [(it.name): it.value] }])
        // What that build's pipeline left in its environment.
        [buildVariables: build.given.delivered ?: [:]]
    }

    private Object told(String step, Map what) {
        build.did << [step: step, stage: Build.HERE.get().stage] + what.findAll { it.key != 'recipientProviders' }.collectEntries { name, value -> [(name): value instanceof GString ? value.toString() : value] }
        null
    }
}
