// The jobs, in Job DSL. jenkins/casc.yaml runs this at every start of the controller. It removes no job: a person does. Parameters
// stand here and in the pipelines, because Jenkins knows a pipeline's own only after its first build.

def setting(String name, String otherwise) {
    binding.hasVariable(name) && binding.getVariable(name) ? binding.getVariable(name) : otherwise
}

String place = 'swarmline'
String repository = setting('GIT_URL', 'https://github.com/your-organisation/swarmline.git')
String mainBranch = setting('GIT_BRANCH', 'main')
String login = setting('GIT_CREDENTIALS', '')
String poll = setting('GIT_POLL', '5m')

folder(place) {
    displayName('Swarmline')
    description('From a commit, or from new data, to a served and watched model.')
}

multibranchPipelineJob("${place}/deliver") {
    displayName('Deliver')
    description("Verify, train, gate, build, approve, deploy, confirm: ${mainBranch} goes all the way, other branches stop after the gate.")
    branchSources {
        git {
            id('swarmline')
            remote(repository)
            if (login) {
                credentialsId(login)
            }
            includes('*')
        }
    }
    orphanedItemStrategy {
        discardOldItems {
            daysToKeep(14)
            numToKeep(30)
        }
    }
    triggers {
        periodicFolderTrigger {
            interval(poll)
        }
    }
}

// name, purpose, schedule, parameters, and a user who may start it beside those of jenkins/casc.yaml
// Not `name`: that word is a method inside of authorizationMatrix.
def onePipeline = { String job, String title, String text, String schedule, Closure given, String starter = '' ->
    pipelineJob("${place}/${job}") {
        displayName(title)
        description(text)
        if (given) {
            parameters(given)
        }
        properties {
            disableConcurrentBuilds {
                abortPrevious(false)
            }
            if (starter) {
                authorizationMatrix {
                    entries {
                        user {
                            name(starter)
                            permissions(['Job/Build'])
                        }
                    }
                }
            }
            if (schedule) {
                pipelineTriggers {
                    triggers {
                        cron {
                            spec(schedule)
                        }
                    }
                }
            }
        }
        definition {
            cpsScm {
                scm {
                    git {
                        remote {
                            url(repository)
                            if (login) {
                                credentials(login)
                            }
                        }
                        branch(mainBranch)
                    }
                }
                scriptPath("jenkins/pipelines/${job}.Jenkinsfile")
                lightweight(true)
            }
        }
    }
}

String someModels = 'by name; empty: all.'
String reason = 'Why, for the ledger.'
String force = 'Train although neither code nor data changed.'

onePipeline('data', 'Data', 'Holds the data of every model against its contract, each night and when who delivers data starts it.', 'H 2 * * *') {
    stringParam('MODEL', '', "Models whose data to check, ${someModels}")
    booleanParam('RETRAIN', false, 'Then start the job retrain, which trains where the data are new.')
}

onePipeline('retrain', 'Retrain', 'Trains again and passes the same gates; started by a person, the clock or an alert.', 'H 4 * * 0', {
    stringParam('MODEL', '', "Models to train, ${someModels} What did not change is reused.")
    stringParam('REASON', 'scheduled', reason)
    booleanParam('FORCE', false, force)
    booleanParam('APPROVE', false, 'Ask a person before the deploy; without, gates and watch decide.')
}, 'retrain')

onePipeline('rollback', 'Roll back', 'Serves an earlier release again, exactly as it was, however many steps back.', '') {
    stringParam('TO', '', 'Release to go back to, by name or digest; empty: the one before.')
    booleanParam('CHOOSE', false, 'List the releases and ask which.')
    stringParam('REASON', '', reason)
}

onePipeline('traffic', 'Traffic', "How much of a model's traffic its challenger answers.", '') {
    stringParam('MODEL', '', 'The model, by name.')
    choiceParam('MODE', ['split', 'shadow', 'off'], 'split: the challenger answers its share. shadow: it is asked too, and the champion answers. off: the champion alone.')
    stringParam('SHARE', '5', 'Per cent of the requests, for split.')
    stringParam('REASON', '', reason)
}

onePipeline('scale', 'Scale', 'How many replicas of the model service serve; started by a person or the monitor.', '', {
    stringParam('REPLICAS', '', 'How many, between REPLICAS_MIN and REPLICAS_MAX of the settings.')
    booleanParam('UNSET', false, 'In place of a number: the settings of the stack decide again.')
    stringParam('REASON', '', reason)
}, 'retrain')
onePipeline('experiment', 'Experiment', "Raises the share of a model's challenger as the monitor's verdicts allow, and releases one that is better.", '') {
    stringParam('MODEL', '', 'The model, by name.')
    stringParam('STEPS', '5,25,50', 'Shares of the requests in per cent, one after the other.')
    choiceParam('PROMOTE', ['better', 'as-good', 'never'], 'After which verdict the challenger gets all callers and is released as champion.')
    stringParam('RAMP_MINUTES', '60', 'Minutes within which a step has to have enough requests.')
    stringParam('RAMP_VERDICT_HOURS', '24', 'Hours within which there has to be a verdict; 96 at most.')
    booleanParam('APPROVE', false, 'Ask a person before the release; without, verdict, gates and watch decide.')
    stringParam('REASON', '', reason)
}

onePipeline('score', 'Score', 'A whole table through a model: predictions as a file or a table of a database.', '') {
    stringParam('MODEL', '', 'The model, by name.')
    stringParam('SOURCE', '', 'Files that the agent sees, or the address of a database; its password as a variable of the agent.')
    stringParam('OUT', 'build/reports/scored.parquet', 'A .parquet or .csv file, or the address of a database; build/reports is kept with the build.')
    stringParam('ID', '', 'The column that tells rows apart; empty: their number.')
    stringParam('VERSION', '', 'A number or an alias; empty: the champion.')
    stringParam('QUERY', '', 'Of a database as SOURCE: what to read.')
    stringParam('TABLE', '', 'Of a database as OUT: the table to write.')
    stringParam('OPTIONS', '', 'More, as on a command line: how a CSV file is written, or a cluster.')
}

onePipeline('housekeeping', 'Housekeeping', 'Removes what no release needs, backs up, and proves that the backup restores.', 'H 3 * * *', null)

onePipeline('monitor', 'Monitor', "Keeps what the monitor says of every model, and Evidently's reports, each night.", 'H 5 * * *', null)

def oneView = { String title, String text, String... shown ->
    listView("${place}/${title}") {
        description(text)
        jobs {
            names(*shown)
        }
        columns {
            status()
            weather()
            name()
            lastSuccess()
            lastFailure()
            lastDuration()
            buildButton()
        }
    }
}

oneView('Every day', 'What a person starts.', 'deliver', 'retrain', 'experiment', 'rollback', 'traffic', 'scale', 'score')
oneView('By the clock', 'What runs by itself.', 'data', 'retrain', 'housekeeping', 'monitor')
