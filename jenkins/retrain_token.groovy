// Run by the controller at each start, after jenkins/casc.yaml, which cannot give a user an API token: `retrain` gets the one of the
// secret retrain_token, and keeps no other. What fails here is a line in the log, and the controller starts all the same.
import hudson.model.User
import java.util.logging.Level
import java.util.logging.Logger
import jenkins.security.ApiTokenProperty

Logger log = Logger.getLogger('swarmline.retrain-token')
File file = new File(System.getenv('SWARMLINE_RETRAIN_TOKEN') ?: '/run/secrets/retrain_token')
try {
    User user = User.getById('retrain', false)
    if (user == null || !file.canRead()) {
        log.warning('there is no user retrain, or no secret retrain_token: nobody starts trainings from outside')
    } else {
        def store = user.getProperty(ApiTokenProperty).tokenStore
        store.revokeAllTokens()
        // Newer controllers take the day on which it expires, too; null is never.
        boolean expires = store.class.methods.any { it.name == 'addFixedNewToken' && it.parameterTypes.length == 3 }
        List words = ['swarmline', file.text.trim()] + (expires ? [null] : [])
        store.addFixedNewToken(*words)
        user.save()
        log.info('user retrain has the API token of the secret retrain_token')
    }
} catch (Exception error) {
    log.log(Level.SEVERE, 'user retrain has no API token', error)
}
