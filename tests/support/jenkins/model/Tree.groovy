import org.codehaus.groovy.ast.expr.*
import org.codehaus.groovy.ast.stmt.*

/** What a syntax tree says of blocks and calls, and what is wrong with them. */
class Tree {
    List<String> errors = []

    void refuse(node, String sentence) { errors << "line ${node.lineNumber}: ${sentence}".toString() }

    // What a statement is: one call of a bare name, on its own line.

    MethodCallExpression callOf(Statement statement) {
        def expression = statement instanceof ExpressionStatement ? statement.expression : null
        if (statement instanceof ReturnStatement) { expression = statement.expression }
        expression instanceof MethodCallExpression && expression.implicitThis ? expression : null
    }

    List<Expression> arguments(MethodCallExpression call) {
        def given = call.arguments
        given instanceof TupleExpression ? given.expressions : [given]
    }

    List<Statement> block(MethodCallExpression call) {
        def last = arguments(call) ? arguments(call)[-1] : null
        if (!(last instanceof ClosureExpression)) { return null }
        def code = last.code
        code instanceof BlockStatement ? code.statements : [code]
    }

    List<Expression> plain(MethodCallExpression call) { arguments(call).findAll { !(it instanceof ClosureExpression) } }

    Map<String, Expression> named(MethodCallExpression call) {
        def maps = arguments(call).findAll { it instanceof MapExpression }
        maps.collectMany { it.mapEntryExpressions }.collectEntries { [(it.keyExpression.text): it.valueExpression] }
    }

    /** The sections of a block: each a call of an allowed name, each once. */
    Map<String, MethodCallExpression> sections(List<Statement> statements, List<String> allowed, String what) {
        def found = [:]
        for (statement in statements) {
            def call = callOf(statement)
            if (call == null) { refuse(statement, "expected a section of ${what}"); continue }
            def name = call.methodAsString
            if (!(name in allowed)) {
                refuse(call, "Unknown ${what} section \"${name}\". Valid sections: ${allowed}")
            } else if (found.containsKey(name)) {
                refuse(call, "Multiple occurrences of the ${name} section")
            } else {
                found[name] = call
            }
        }
        found
    }
}
