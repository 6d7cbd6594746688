import java.nio.file.FileSystems
import java.nio.file.Files
import java.nio.file.StandardCopyOption

/** Files as a build sees them: a checkout on a machine, stashes between machines, patterns of reports. */
class Workspace {
    Map given                 // the case: file, workspace, source, env, params, causes, inputs, credentials, make
    Map<String, File> stashes = [:]
    StringBuffer log = new StringBuffer()
    // What a branch of a parallel stage has of its own: variables, workspace, stage, the processes to end with it.
    static final InheritableThreadLocal<Map> HERE = new InheritableThreadLocal<Map>() {
        protected Map childValue(Map parent) { parent == null ? null : [env: new LinkedHashMap(parent.env), folder: parent.folder, stage: parent.stage, group: parent.group] }
    }

    /** As Git brings it: what is committed, beside whatever an earlier build left there. */
    void checkout(File folder) {
        folder.mkdirs()
        def source = given.source as String
        def commands = !new File(source, '.git').exists() ? [['cp', '-a', "${source}/.".toString(), folder.path]] :
            new File(folder, '.git').exists() ? [['git', '-C', folder.path, 'fetch', '--quiet', 'origin', 'HEAD'], ['git', '-C', folder.path, 'checkout', '--quiet', '--force', '--detach', 'FETCH_HEAD']] :
            [['git', 'clone', '--quiet', source, folder.path]]
        commands.each { command ->
            def done = command.execute()
            done.waitForProcessOutput(log, log)
            if (done.exitValue()) { throw new IllegalStateException("no checkout of ${source}") }
        }
    }

    File here() {
        if (HERE.get().folder == null) { throw new Broken('FAILURE', 'Required context class hudson.FilePath is missing') }
        HERE.get().folder
    }

    /** Files below the workspace that Ant's patterns name. */
    List<String> files(String includes, String excludes = '') {
        def root = here().toPath()
        def patterns = { String text -> (text ?: '').split(',')*.trim().findAll { it }.collectMany { it.startsWith('**/') ? [it, it.substring(3)] : it.contains('/**/') ? [it, it.replace('/**/', '/')] : [it] }.collect { FileSystems.default.getPathMatcher("glob:${it}") } }
        def wanted = patterns(includes)
        def left = patterns(excludes)
        def found = []
        includes.split(',')*.trim().collect { it.contains('*') ? it.substring(0, it.indexOf('*')).replaceAll('[^/]*$', '') : it }.unique().each { base ->
            def start = new File(here(), base)
            if (start.isFile()) { found << base } else if (start.isDirectory()) {
                start.eachFileRecurse { if (it.isFile()) { found << root.relativize(it.toPath()).toString() } }
            }
        }
        found.unique().findAll { name -> def path = FileSystems.default.getPath(name); wanted.any { it.matches(path) } && !left.any { it.matches(path) } }
    }

    void stash(String name, List<String> names) {
        def place = new File(given.workspace as String, "stash-${name}")
        place.deleteDir()
        copy(here(), place, names)
        stashes[name] = place
    }

    void unstash(String name) {
        if (!stashes[name]) { throw new Broken('FAILURE', "No such saved stash '${name}'") }
        def names = []
        stashes[name].eachFileRecurse { if (it.isFile()) { names << stashes[name].toPath().relativize(it.toPath()).toString() } }
        copy(stashes[name], here(), names)
    }

    static void copy(File from, File to, List<String> names) {
        to.mkdirs()
        names.each { name ->
            def target = new File(to, name)
            target.parentFile.mkdirs()
            Files.copy(new File(from, name).toPath(), target.toPath(), StandardCopyOption.REPLACE_EXISTING)
        }
    }
}
