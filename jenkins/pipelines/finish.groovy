// How every pipeline ends: reports on the build's page, its name, a message, a mail. What they say is made by `make notify`.
withCredentials([string(credentialsId: 'webhook', variable: 'WEBHOOK_URL')]) {
  withEnv(["RESULT=${currentBuild.currentResult}"]) {
    sh 'make notify'
  }
}
currentBuild.displayName = readFile('build/report/name.txt')
currentBuild.description = readFile('build/report/description.txt')
junit testResults: 'build/reports/tests.xml, build/reports/lint.xml, build/reports/*/validation.xml', allowEmptyResults: true
publishHTML target: [reportName: 'Report', reportDir: 'build/reports', reportFiles: 'index.html', keepAll: true, alwaysLinkToLastBuild: true, allowMissing: true]
archiveArtifacts artifacts: 'build/release/**, build/reports/**, build/report/**', excludes: 'build/reports/coverage/**', allowEmptyArchive: true, fingerprint: true
// Committers by the addresses of their commits: Jenkins' own culprits() leaves out who has no account here.
emailext to: readFile('build/report/recipients.txt'), recipientProviders: [requestor()], subject: readFile('build/report/subject.txt'), body: readFile('build/report/mail.txt'), mimeType: 'text/plain'
