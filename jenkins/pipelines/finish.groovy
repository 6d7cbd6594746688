// The end of every pipeline: reports on the build's page, its name, a message, a mail. `make notify` writes what they say.
// First it waits for the deploy that this build began, so that the report knows its outcome and the workspace stays until then.
catchError { sh 'make verdict' }
withCredentials([string(credentialsId: 'webhook', variable: 'WEBHOOK_URL')]) {
  withEnv(["RESULT=${currentBuild.currentResult}"]) {
    if (sh(script: 'make notify', returnStatus: true) != 0) {
      // Without an environment no report can be made; then the mail says so.
      currentBuild.result = 'FAILURE'
      def words = "${env.JOB_NAME} #${env.BUILD_NUMBER}: FAILURE, and no report could be made; see ${env.BUILD_URL}console"
      for (file in ['subject', 'mail', 'description']) { writeFile file: "build/report/${file}.txt", text: words }
      writeFile file: 'build/report/name.txt', text: "#${env.BUILD_NUMBER}"
      writeFile file: 'build/report/recipients.txt', text: '$DEFAULT_RECIPIENTS'
    }
  }
}
currentBuild.displayName = readFile('build/report/name.txt')
currentBuild.description = readFile('build/report/description.txt')
junit testResults: 'build/reports/tests.xml, build/reports/lint.xml, build/reports/*/validation.xml', allowEmptyResults: true
publishHTML target: [reportName: 'Report', reportDir: 'build/reports', reportFiles: 'index.html', keepAll: true, alwaysLinkToLastBuild: true, allowMissing: true]
archiveArtifacts artifacts: 'build/release/**, build/reports/**, build/report/**', excludes: 'build/reports/coverage/**', allowEmptyArchive: true, fingerprint: true
// Committers get the mail at the addresses of their commits: Jenkins' own culprits() omits people without an account here.
emailext to: readFile('build/report/recipients.txt'), recipientProviders: [requestor()], subject: readFile('build/report/subject.txt'), body: readFile('build/report/mail.txt'), mimeType: 'text/plain'
