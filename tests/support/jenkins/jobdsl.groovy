// Runs Job DSL scripts against the names that jobdsl.json lists, strictly, and prints what each asked for as JSON:
// jobdsl.groovy NAMES CASES, where CASES is a JSON list of {text, variables}.
import groovy.json.JsonOutput
import groovy.json.JsonSlurper

class Names {
    static Map contexts
}

class DslError extends RuntimeException {
    DslError(String message) { super(message) }
}

class Context {
    String place
    List calls = []

    // Not a MissingMethodException: that would look for the name further out, and find it there.
    def methodMissing(String name, Object given) {
        Map known = Names.contexts[place]
        if (!known.containsKey(name)) {
            throw new DslError("${place} has no method ${name}; it has ${known.keySet().sort()}")
        }
        List arguments = given as List
        Map call = [name: name]
        String inner = known[name].block
        if (inner && arguments && arguments.last() instanceof Closure) {
            call.calls = inside(inner, arguments.last())
            arguments = arguments.dropRight(1)
        } else if (inner && !known[name].optional) {
            throw new DslError("${place}.${name} needs a block")
        }
        call.arguments = check(name, known[name].arguments ?: [], arguments)
        calls << call
        null
    }

    def propertyMissing(String name) {
        throw new DslError("${place} has no property ${name}")
    }

    private static List inside(String place, Closure body) {
        Context context = new Context(place: place)
        Closure copy = body.clone()
        copy.delegate = context
        copy.resolveStrategy = Closure.DELEGATE_FIRST
        copy.call()
        context.calls
    }

    private List check(String name, List kinds, List given) {
        boolean many = kinds && kinds.last().endsWith('*')
        int least = kinds.count { !it.endsWith('?') && !it.endsWith('*') }
        if (given.size() < least || (!many && given.size() > kinds.size())) {
            throw new DslError("${place}.${name} takes ${kinds}, not ${given}")
        }
        given.eachWithIndex { value, index ->
            String kind = kinds[Math.min(index, kinds.size() - 1)].replaceAll(/[?*]/, '')
            boolean fits = kind == 'String' ? value instanceof CharSequence :
                kind == 'int' ? value instanceof Integer :
                kind == 'boolean' ? value instanceof Boolean : value instanceof List
            if (!fits) {
                throw new DslError("${place}.${name} takes ${kinds}, not ${given}")
            }
        }
        given.collect { it instanceof List ? it*.toString() : it instanceof CharSequence ? it.toString() : it }
    }
}

abstract class Base extends Script {
    final Context root = new Context(place: 'script')

    def methodMissing(String name, Object given) {
        root.methodMissing(name, given)
    }
}

Names.contexts = new JsonSlurper().parse(new File(args[0]))
def configuration = new org.codehaus.groovy.control.CompilerConfiguration(scriptBaseClass: Base.name)
def outcomes = new JsonSlurper().parseText(args[1]).collect { Map one ->
    def script = new GroovyShell(getClass().classLoader, new Binding(one.variables), configuration).parse(one.text as String)
    try {
        script.run()
        [calls: script.root.calls]
    } catch (DslError error) {
        [error: error.message]
    }
}
println JsonOutput.toJson(outcomes)
