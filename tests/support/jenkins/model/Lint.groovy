import org.codehaus.groovy.ast.CodeVisitorSupport
import org.codehaus.groovy.ast.builder.AstBuilder
import org.codehaus.groovy.ast.expr.*
import org.codehaus.groovy.ast.stmt.*
import org.codehaus.groovy.control.CompilePhase
import org.codehaus.groovy.control.MultipleCompilationErrorsException

/** A pipeline file as Jenkins' own linter sees it: by its syntax tree, before anything of it runs. */
class Lint extends Tree {
    static final BODIES = ['steps', 'stages', 'parallel', 'matrix']
    static final BEFORE = ['beforeAgent', 'beforeInput', 'beforeOptions']
    static final INPUT = ['message', 'id', 'ok', 'parameters', 'submitter', 'submitterParameter']

    Map facts
    Map symbols
    List<String> shells = []
    Set<String> stages = []
    List<Map> parameters = []

    static Map check(String text, Map facts, Map symbols, boolean whole = true) {
        def lint = new Lint(facts: facts, symbols: symbols)
        try {
            def nodes = new AstBuilder().buildFromString(CompilePhase.CONVERSION, true, text)
            whole ? lint.file(nodes[0].statements) : lint.free(nodes[0])
        } catch (MultipleCompilationErrorsException error) {
            lint.errors << error.message.readLines().drop(1).join(' ').trim()
        }
        [errors: lint.errors, shells: lint.shells, stages: lint.stages as List, parameters: lint.parameters]
    }

    void file(List<Statement> statements) {
        def found = statements.findAll { callOf(it)?.methodAsString == 'pipeline' }
        if (found.size() != 1 || statements.size() != 1) {
            errors << 'expected one pipeline { } and nothing beside it'
        }
        found.each { pipeline(it) }
    }

    void pipeline(Statement statement) {
        def found = sections(block(callOf(statement)) ?: [], facts.pipeline_sections, 'pipeline')
        ['agent', 'stages'].each { if (!found[it]) { refuse(statement, "Missing required section \"${it}\"") } }
        common(found, facts.options)
        found.parameters?.with { parameterList(it) }
        found.triggers?.with { list(it, facts.triggers, 'trigger') }
        found.stages?.with { stageList(it, false) }
    }

    void common(Map found, List<String> options) {
        found.agent?.with { agent(it) }
        found.environment?.with { environment(it) }
        found.options?.with { optionList(it, options) }
        found.post?.with { post(it) }
    }

    void agent(MethodCallExpression call) {
        def inside = block(call)
        if (inside == null) {
            def word = plain(call)[0]
            if (!(word instanceof VariableExpression && word.name in ['any', 'none'])) {
                refuse(call, "Invalid agent: ${word?.text}")
            }
            return
        }
        inside.each { if (callOf(it)?.methodAsString != 'label') { refuse(it, 'Invalid agent type') } }
    }

    void environment(MethodCallExpression call) {
        for (statement in (block(call) ?: [])) {
            def one = statement instanceof ExpressionStatement ? statement.expression : null
            if (!(one instanceof BinaryExpression && one.operation.text == '=' && one.leftExpression instanceof VariableExpression)) {
                refuse(statement, 'Expected name=value pairs in environment')
                continue
            }
            def value = one.rightExpression
            def text = value instanceof GStringExpression || (value instanceof ConstantExpression && value.value instanceof String)
            if (!text && !(value instanceof MethodCallExpression && value.methodAsString == 'credentials')) {
                refuse(statement, 'Environment variable values must be quoted, or credentials()')
            }
        }
    }

    void list(MethodCallExpression section, List<String> allowed, String what) {
        for (statement in (block(section) ?: [])) {
            def one = callOf(statement)
            if (one == null) { refuse(statement, "Expected a ${what}"); continue }
            if (!(one.methodAsString in allowed)) {
                refuse(one, "Invalid ${what} type \"${one.methodAsString}\". Valid ${what} types: ${allowed}")
            }
        }
    }

    void optionList(MethodCallExpression section, List<String> allowed) {
        list(section, allowed, 'option')
        for (statement in (block(section) ?: [])) {
            def one = callOf(statement)
            if (one && facts.steps[one.methodAsString]) { known(one, facts.steps[one.methodAsString].params.keySet()) }
            if (one) { free(new BlockStatement([statement], null), false) }
        }
    }

    void parameterList(MethodCallExpression section) {
        list(section, facts.parameters, 'parameter')
        for (statement in (block(section) ?: [])) {
            def one = callOf(statement)
            if (one == null) { continue }
            known(one, symbols[one.methodAsString] as Set)
            def given = named(one)
            ['name', 'description'].each { if (!given[it]?.text) { refuse(one, "parameter without ${it}") } }
            parameters << [type: one.methodAsString, name: given.name?.text, description: given.description?.text,
                           value: given.defaultValue?.text, choices: given.choices instanceof ListExpression ? given.choices.expressions*.text : null]
        }
    }

    void known(MethodCallExpression call, Set<String> allowed) {
        named(call).keySet().findAll { !(it in allowed) }.each {
            refuse(call, "Invalid parameter \"${it}\" of ${call.methodAsString}; allowed: ${allowed as List}")
        }
    }

    void stageList(MethodCallExpression section, boolean inParallel) {
        def inside = block(section)
        if (!inside) { refuse(section, "No stages specified"); return }
        for (statement in inside) {
            def one = callOf(statement)
            if (one?.methodAsString != 'stage' || block(one) == null) { refuse(statement, 'Expected a stage'); continue }
            stage(one, inParallel)
        }
    }

    void stage(MethodCallExpression call, boolean inParallel) {
        def name = plain(call)[0]?.text
        if (!name || !(plain(call)[0] instanceof ConstantExpression)) { refuse(call, 'Expected a stage name') }
        if (!stages.add(name)) { refuse(call, "Duplicate stage name: \"${name}\"") }
        def found = sections(block(call), facts.stage_sections, 'stage')
        def bodies = found.keySet().findAll { it in BODIES }
        if (bodies.size() != 1) { refuse(call, "Expected one of ${BODIES} for stage \"${name}\"") }
        if (found.parallel && (found.agent || found.tools)) { refuse(call, 'agent is not allowed in a stage with parallel') }
        if (found.parallel && inParallel) { refuse(call, 'Parallel stages can not contain parallel stages') }
        if (found.failFast && !found.parallel) { refuse(call, 'failFast only goes with parallel') }
        common(found, facts.stage_options)
        found.when?.with { conditions(it, true) }
        found.input?.with { input(it) }
        found.steps?.with { stepList(it) }
        found.stages?.with { stageList(it, inParallel) }
        found.parallel?.with { stageList(it, true) }
    }

    void conditions(MethodCallExpression section, boolean top) {
        def inside = block(section)
        if (!inside) { refuse(section, 'Empty when'); return }
        for (statement in inside) {
            def one = callOf(statement)
            def name = one?.methodAsString
            if (one == null || !(name in facts.when || (top && name in BEFORE))) {
                refuse(statement, "Invalid condition \"${name}\" - valid conditions are ${facts.when}")
            } else if (name in ['allOf', 'anyOf', 'not']) {
                conditions(one, false)
            } else if (name == 'expression') {
                free(arguments(one)[-1].code)
            } else if (name == 'environment') {
                known(one, ['name', 'value', 'ignoreCase'] as Set)
            }
        }
    }

    void input(MethodCallExpression section) {
        def found = sections(block(section), INPUT, 'input')
        if (!found.message) { refuse(section, 'Missing required parameter "message"') }
        found.parameters?.with { list(it, facts.parameters, 'parameter') }
    }

    void post(MethodCallExpression section) {
        def found = sections(block(section), facts.post, 'post')
        found.each { name, one -> stepList(one) }
    }

    void stepList(MethodCallExpression section) {
        def inside = block(section)
        if (!inside) { refuse(section, "No steps specified for ${section.methodAsString}"); return }
        inside.each { step(it) }
    }

    void step(Statement statement) {
        def one = callOf(statement)
        def name = one?.methodAsString
        def fact = facts.steps[name]
        if (one == null || fact == null) { refuse(statement, "Expected a step; \"${name ?: statement.text}\" is none"); return }
        arguments_(one, fact)
        if (name == 'script') { free(arguments(one)[-1].code); return }
        if (fact.block) { (block(one) ?: []).each { step(it) } }
        plain(one).each { inner(it) }
    }

    void arguments_(MethodCallExpression one, Map fact) {
        def name = one.methodAsString
        if (fact.block != (block(one) != null)) { refuse(one, "${name} takes ${fact.block ? 'a' : 'no'} block") }
        known(one, fact.params.keySet())
        if (plain(one).count { !(it instanceof MapExpression) } > 1) { refuse(one, "${name}: only named parameters, or one") }
        if (name == 'sh') { shell(one) }
        if (name == 'publishHTML') {
            def target = named(one).target
            (target instanceof MapExpression ? target.mapEntryExpressions*.keyExpression*.text : []).findAll { !(it in symbols.target) }.each {
                refuse(one, "Invalid parameter \"${it}\" of publishHTML; allowed: ${symbols.target}")
            }
        }
    }

    void shell(MethodCallExpression one) {
        def script = named(one).script ?: plain(one)[0]
        if (script instanceof GStringExpression) { refuse(one, 'sh with double quotes: Groovy would put secrets into the command') }
        shells << script?.text
    }

    /** Arguments, closures of script, loaded files: whatever is called by a bare name is a step, or a known symbol. */
    void inner(Expression expression) { free(new BlockStatement([new ExpressionStatement(expression)], null)) }

    void free(Statement code, boolean steps = true) {
        def lint = this
        code.visit(new CodeVisitorSupport() {
            void visitMethodCallExpression(MethodCallExpression one) {
                if (one.implicitThis) { lint.bare(one, steps) }
                super.visitMethodCallExpression(one)
            }
        })
    }

    void bare(MethodCallExpression one, boolean steps) {
        def name = one.methodAsString
        if (symbols.containsKey(name)) {
            known(one, symbols[name] as Set)
        } else if (steps && facts.steps[name]) {
            arguments_(one, facts.steps[name])
        } else if (steps) {
            refuse(one, "\"${name}\" is no step")
        }
    }
}
