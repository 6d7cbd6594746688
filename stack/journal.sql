-- What an empty database runs first. The replicas' role, as journal_url names it, acts as `journal`, which owns one database
-- and nothing else; the superuser is for backups and rotation alone.
SET log_min_error_statement = panic;
\set user `sed 's,^.*://,,; s,:.*,,' /run/secrets/journal_url`
\set word `sed 's,^.*://[^:]*:,,; s,@.*,,' /run/secrets/journal_url`
CREATE ROLE journal NOLOGIN;
CREATE ROLE :"user" LOGIN PASSWORD :'word' IN ROLE journal;
ALTER ROLE :"user" SET role = 'journal';
CREATE DATABASE journal OWNER journal;
REVOKE ALL ON DATABASE journal FROM PUBLIC;
