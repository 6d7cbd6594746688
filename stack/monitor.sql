-- The monitor's role, its right to read the journal, and its own database. A superuser runs this at every deploy,
-- psql -v ON_ERROR_STOP=1, on an empty database as on one that is years old: each time it ends in the same state.
-- It reads the secret `monitor_url`: postgresql://monitor_<letters and digits>:<password>@db:5432/monitor
--
-- The findings lie in a database of their own, `monitor`, and not in a schema of the journal's: `make backup` saves the
-- journal as its owner, who may read nothing of the monitor's, and `make restore` would meet a schema that is there already.
-- Of that database it owns schema `monitor`, which is where its tables go without being told: search_path begins with "$user".
SET log_min_error_statement = panic;
SET log_statement = none;
SET log_min_duration_statement = -1;
\set user `sed 's,^.*://,,; s,:.*,,' /run/secrets/monitor_url`
\set word `sed 's,^.*://[^:]*:,,; s,@.*,,' /run/secrets/monitor_url`

-- Else a secret that names another role would give it a new password.
SELECT :'user' ~ '^monitor_[a-z0-9]+$' AND :'word' <> '' AS sound \gset
\if :sound
\else
DO $$ BEGIN RAISE 'the secret monitor_url names no role monitor_<letters and digits> with a password'; END $$;
\endif

SELECT 'CREATE ROLE monitor NOLOGIN'
    WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'monitor') \gexec

-- A new secret brings a new role; the former ones stay good for an hour, for a monitor that has not been replaced yet.
SELECT format('DROP ROLE %I', rolname) FROM pg_roles
    WHERE rolname LIKE 'monitor\_%' AND rolname <> :'user' AND rolvaliduntil < now() \gexec
SELECT format('ALTER ROLE %I VALID UNTIL %L', rolname, now() + interval '1 hour') FROM pg_roles
    WHERE rolname LIKE 'monitor\_%' AND rolname <> :'user'
        AND coalesce(rolvaliduntil, 'infinity') = 'infinity' \gexec
SELECT format('CREATE ROLE %I LOGIN IN ROLE monitor', :'user')
    WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = :'user') \gexec
ALTER ROLE :"user" PASSWORD :'word' VALID UNTIL 'infinity' CONNECTION LIMIT 16;
ALTER ROLE :"user" SET role = 'monitor';
-- What the monitor's own code sets as well; here it holds for whoever has the password.
ALTER ROLE :"user" SET statement_timeout = '60s';
ALTER ROLE :"user" SET idle_in_transaction_session_timeout = '60s';
ALTER ROLE :"user" SET lock_timeout = '5s';
ALTER ROLE :"user" IN DATABASE journal SET default_transaction_read_only = on;

SELECT 'CREATE DATABASE monitor OWNER monitor'
    WHERE NOT EXISTS (SELECT FROM pg_database WHERE datname = 'monitor') \gexec
REVOKE ALL ON DATABASE monitor FROM PUBLIC;
GRANT CONNECT ON DATABASE journal TO monitor;

\connect monitor
CREATE SCHEMA IF NOT EXISTS monitor AUTHORIZATION monitor;

\connect journal
GRANT USAGE ON SCHEMA public TO monitor;
GRANT SELECT ON ALL TABLES IN SCHEMA public TO monitor;
-- Tables that the replicas will make: all of them where the stack is new, a partition a day, and those of a restored backup.
ALTER DEFAULT PRIVILEGES FOR ROLE journal IN SCHEMA public GRANT SELECT ON TABLES TO monitor;
