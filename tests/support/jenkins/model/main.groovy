// Checks and runs pipeline files for the tests: cases as JSON in one file, outcomes as JSON in another; one JVM for all.
def folder = new File(getClass().protectionDomain.codeSource.location.path).parentFile
def loader = new GroovyClassLoader(getClass().classLoader)
loader.addClasspath(folder.path)
def lint = loader.loadClass('Lint')
def build = loader.loadClass('Build')
def cases = new groovy.json.JsonSlurper().parse(new File(args[0]))
def facts = new groovy.json.JsonSlurper().parse(new File(folder.parentFile, 'facts.json'))
def symbols = new groovy.json.JsonSlurper().parse(new File(folder.parentFile, 'symbols.json'))
def outcomes = cases.collect { one ->
    one.act == 'lint' ? lint.check(one.text, facts, symbols, one.whole != false) : build.run(one + [steps: facts.steps.keySet() as List])
}
new File(args[1]).text = groovy.json.JsonOutput.toJson(outcomes)
System.exit(0)
