// Runs jenkins/retrain_token.groovy over stand-ins for a controller's classes, and prints the tokens that the user has then:
// token_start.groovy SCRIPT KIND, where KIND is `old` (two arguments), `new` (three) or `nobody` (no such user).
String signature = args[1] == 'new' ? 'String name, String plain, java.time.LocalDate expires' : 'String name, String plain'
String stands = """
package jenkins.security.apitoken
class ApiTokenStore {
    List<String> tokens = ['of somebody before']
    void revokeAllTokens() { tokens.clear() }
    String addFixedNewToken(${signature}) {
        if (!(plain ==~ /11[a-f0-9]{32}/)) { throw new IllegalArgumentException('32 hex-characters') }
        tokens << name + ' ' + plain
        'uuid'
    }
}
"""
String property = '''
package jenkins.security
class ApiTokenProperty { jenkins.security.apitoken.ApiTokenStore tokenStore = new jenkins.security.apitoken.ApiTokenStore() }
'''
String user = """
package hudson.model
class User {
    static User one = ${args[1] == 'nobody' ? 'null' : 'new User()'}
    boolean saved = false
    def property = new jenkins.security.ApiTokenProperty()
    static User getById(String id, boolean create) { assert id == 'retrain' && !create; one }
    def getProperty(Class kind) { property }
    void save() { saved = true }
}
"""
def loader = new GroovyClassLoader(this.class.classLoader)
[stands, property, user].each { loader.parseClass(it) }
new GroovyShell(loader).evaluate(new File(args[0]))
def one = loader.loadClass('hudson.model.User').one
println(one == null ? 'nobody' : "${one.saved} ${one.property.tokenStore.tokens}")
