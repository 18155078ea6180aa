-- The archive. The drawing and the reasons stand in lib.rs; views for people are at the end.
--
-- log_id = milliseconds of arrival << 20 | number of the log in its low 20 bits, so that ranges of
-- log_id are months. What is ordered is clamped to bigint; times are milliseconds since 1970.

CREATE SEQUENCE taskcast.log_numbers;
CREATE SEQUENCE taskcast.uses;

CREATE TABLE taskcast.logs (
    log_id       bigint PRIMARY KEY,
    -- The order of arrival: of two logs of one task id the greater is the newer.
    number       bigint NOT NULL,
    task_id      text COLLATE "C" NOT NULL,
    epoch        bigint NOT NULL,
    revision     bigint NOT NULL,
    status       text NOT NULL,
    type         text COLLATE "C",
    tags         text[] NOT NULL,
    created_at   bigint NOT NULL,
    completed_at bigint,
    -- The watermark: the first index that is not kept.
    tail         bigint NOT NULL,
    trim         bigint NOT NULL,
    -- Time and commit of the slot before the trim point, and the commit before that one.
    trim_at      bigint,
    trim_commit  bigint,
    trim_before  bigint,
    last_at      bigint NOT NULL,
    -- The commit of the last slot.
    last_commit  bigint,
    commit_no    bigint NOT NULL,
    partition    integer NOT NULL,
    hot          boolean NOT NULL,
    version      bigint NOT NULL,
    -- Slots were taken back: the next record is taken whatever its revision.
    rewound      boolean NOT NULL DEFAULT false,
    -- Deleted; its rows are being removed.
    dead         boolean NOT NULL DEFAULT false,
    record_bytes integer NOT NULL,
    record       json NOT NULL
) WITH (fillfactor = 80);
CREATE UNIQUE INDEX logs_identity ON taskcast.logs (task_id, epoch) WHERE NOT dead;
CREATE INDEX logs_newest_of_task ON taskcast.logs (task_id, number DESC) WHERE NOT dead;
CREATE INDEX logs_newest_first ON taskcast.logs (created_at DESC, task_id DESC) WHERE NOT dead;
CREATE INDEX logs_dead ON taskcast.logs (log_id) WHERE dead;

CREATE TABLE taskcast.events (
    log_id        bigint NOT NULL,
    idx           bigint NOT NULL,
    at            bigint NOT NULL,
    commit_no     bigint NOT NULL,
    partition     integer NOT NULL,
    type          text COLLATE "C" NOT NULL,
    -- 0 debug, 1 info, 2 warn, 3 error
    level         smallint NOT NULL,
    -- 0 event, 1 superseded before it was archived, 2 cleaned
    state         smallint NOT NULL,
    -- The newer event of the `latest` series that replaced this one.
    superseded_by bigint,
    delta         boolean NOT NULL,
    -- Bytes of data.
    bytes         integer NOT NULL,
    series        text COLLATE "C",
    -- 0 keep-all, 1 accumulate, 2 latest
    mode          smallint,
    field         text,
    run           bigint,
    run_offset    bigint,
    text_start    bigint,
    text_end      bigint,
    foreign_id    text COLLATE "C",
    -- json keeps the bytes of the publisher; jsonb would not.
    data          json,
    PRIMARY KEY (log_id, idx)
) PARTITION BY RANGE (log_id);
CREATE INDEX events_unfolded ON taskcast.events (log_id, idx) WHERE NOT delta;
CREATE INDEX events_commits ON taskcast.events (partition, commit_no, idx);
-- An index entry is bounded, a foreign id is not.
CREATE INDEX events_foreign ON taskcast.events (log_id, left(foreign_id, 128)) WHERE foreign_id IS NOT NULL;

-- What PostgreSQL refused: the slot of the log is served from here.
CREATE TABLE taskcast.quarantine (
    log_id         bigint NOT NULL,
    idx            bigint NOT NULL,
    at             bigint NOT NULL,
    commit_no      bigint NOT NULL,
    partition      integer NOT NULL,
    type           text COLLATE "C" NOT NULL,
    level          smallint NOT NULL,
    state          smallint NOT NULL,
    superseded_by  bigint,
    delta          boolean NOT NULL,
    bytes          integer NOT NULL,
    series         text COLLATE "C",
    mode           smallint,
    field          text,
    run            bigint,
    run_offset     bigint,
    text_start     bigint,
    text_end       bigint,
    foreign_id     text COLLATE "C",
    payload        bytea,
    sqlstate       text NOT NULL,
    error          text NOT NULL,
    quarantined_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (log_id, idx)
);
CREATE INDEX quarantine_commits ON taskcast.quarantine (partition, commit_no, idx);

-- Every slot that is kept, wherever.
CREATE VIEW taskcast.slots AS
SELECT log_id, idx, at, commit_no, partition, type, level, state, superseded_by, delta, bytes,
       series, mode, field, run, run_offset, text_start, text_end, foreign_id,
       data, NULL::bytea AS payload
FROM taskcast.events
UNION ALL
SELECT log_id, idx, at, commit_no, partition, type, level, state, superseded_by, delta, bytes,
       series, mode, field, run, run_offset, text_start, text_end, foreign_id,
       NULL::json, payload
FROM taskcast.quarantine;

-- How many slots below idx there are of each kind, here and there: at the trim point, and at every
-- 4096th index. Counting starts at the nearest one.
CREATE TABLE taskcast.counts (
    log_id bigint NOT NULL,
    idx    bigint NOT NULL,
    type   text COLLATE "C" NOT NULL,
    level  smallint NOT NULL,
    count  bigint NOT NULL,
    PRIMARY KEY (log_id, idx, type, level)
);

CREATE TABLE taskcast.series (
    log_id     bigint NOT NULL,
    name       text COLLATE "C" NOT NULL,
    mode       smallint NOT NULL,
    field      text NOT NULL,
    newest     bigint NOT NULL,
    run        bigint,
    run_offset bigint,
    text_start bigint,
    text_end   bigint,
    PRIMARY KEY (log_id, name)
) WITH (fillfactor = 80);

-- Newest events of series that their log let go of, as they were.
CREATE TABLE taskcast.heads (
    log_id     bigint NOT NULL,
    idx        bigint NOT NULL,
    at         bigint NOT NULL,
    commit_no  bigint NOT NULL,
    type       text COLLATE "C" NOT NULL,
    level      smallint NOT NULL,
    series     text COLLATE "C" NOT NULL,
    mode       smallint NOT NULL,
    field      text,
    run        bigint,
    run_offset bigint,
    text_start bigint,
    text_end   bigint,
    foreign_id text,
    data       json,
    payload    bytea,
    PRIMARY KEY (log_id, idx)
);

-- The joined text of each run of a series in JSON-escaped form, in pieces as they were archived.
CREATE TABLE taskcast.texts (
    log_id bigint NOT NULL,
    series text COLLATE "C" NOT NULL,
    run    bigint NOT NULL,
    start  bigint NOT NULL,
    text   text NOT NULL,
    PRIMARY KEY (log_id, series, run, start)
) PARTITION BY RANGE (log_id);

CREATE TABLE taskcast.producers (
    log_id bigint NOT NULL,
    id     text COLLATE "C" NOT NULL,
    epoch  bigint NOT NULL,
    seq    bigint NOT NULL,
    first  bigint NOT NULL,
    idx    bigint NOT NULL,
    count  bigint NOT NULL,
    used   bigint NOT NULL,
    PRIMARY KEY (log_id, id)
);

CREATE TABLE taskcast.keys (
    log_id bigint NOT NULL,
    key    text COLLATE "C" NOT NULL,
    body   bytea NOT NULL,
    idx    bigint NOT NULL,
    count  bigint NOT NULL,
    at     bigint NOT NULL,
    used   bigint NOT NULL,
    PRIMARY KEY (log_id, key)
);

-- Makes sure that the month of a time (in milliseconds) has its partitions; gives the month's ends.
CREATE FUNCTION taskcast.open_month(at bigint, OUT first bigint, OUT past bigint)
LANGUAGE plpgsql AS $$
DECLARE
    month  timestamp := date_trunc('month', timestamp '1970-01-01' + at * interval '1 millisecond');
    parent text;
    child  text;
BEGIN
    first := extract(epoch FROM month)::bigint * 1000;
    past := extract(epoch FROM month + interval '1 month')::bigint * 1000;
    FOREACH parent IN ARRAY ARRAY['events', 'texts'] LOOP
        child := parent || to_char(month, '_YYYY_MM');
        -- Asked of the catalogue itself: caches do not hear of others while a lock is waited for.
        PERFORM FROM pg_class WHERE relnamespace = 'taskcast'::regnamespace AND relname = child;
        CONTINUE WHEN FOUND;
        PERFORM pg_advisory_xact_lock(8390320413290162033);
        PERFORM FROM pg_class WHERE relnamespace = 'taskcast'::regnamespace AND relname = child;
        CONTINUE WHEN FOUND;
        -- Attaching does not wait for readers and writers of the other months.
        EXECUTE format('CREATE TABLE taskcast.%I (LIKE taskcast.%I INCLUDING ALL)', child, parent);
        EXECUTE format('ALTER TABLE taskcast.%I ATTACH PARTITION taskcast.%I FOR VALUES FROM (%s) TO (%s)',
                       parent, child, first << 20, past << 20);
    END LOOP;
END $$;

-- Drops the partitions of months that ended before a time and hold no log; gives their names.
CREATE FUNCTION taskcast.drop_empty_months(before bigint) RETURNS SETOF text
LANGUAGE plpgsql AS $$
DECLARE
    month record;
BEGIN
    PERFORM pg_advisory_xact_lock(8390320413290162033);
    FOR month IN
        SELECT relname AS name, make_timestamp(substr(relname, 8, 4)::int, substr(relname, 13)::int, 1, 0, 0, 0) AS first
        FROM pg_inherits JOIN pg_class ON oid = inhrelid
        WHERE inhparent = 'taskcast.events'::regclass AND relname ~ '^events_\d{4,}_\d\d$'
        ORDER BY relname
    LOOP
        CONTINUE WHEN extract(epoch FROM month.first + interval '1 month')::bigint * 1000 > before;
        CONTINUE WHEN EXISTS (
            SELECT FROM taskcast.logs
            WHERE log_id >= (extract(epoch FROM month.first)::bigint * 1000) << 20
              AND log_id < (extract(epoch FROM month.first + interval '1 month')::bigint * 1000) << 20
              AND NOT dead);
        EXECUTE format('DROP TABLE taskcast.%I', month.name);
        EXECUTE format('DROP TABLE IF EXISTS taskcast.%I', 'texts' || substr(month.name, 7));
        RETURN NEXT month.name;
    END LOOP;
END $$;

-- The first slot of a log later than a time, by bisection: times never decrease along a log.
CREATE FUNCTION taskcast.first_after(log bigint, low bigint, high bigint, at bigint) RETURNS bigint
LANGUAGE plpgsql STABLE AS $$
DECLARE
    middle bigint;
    passed boolean;
BEGIN
    WHILE low < high LOOP
        middle := low + (high - low) / 2;
        SELECT s.at <= first_after.at INTO passed FROM taskcast.slots s
        WHERE s.log_id = log AND s.idx = middle;
        IF passed THEN
            low := middle + 1;
        ELSE
            high := middle;
        END IF;
    END LOOP;
    RETURN low;
END $$;

CREATE FUNCTION taskcast.time_of(at bigint) RETURNS timestamptz
LANGUAGE sql IMMUTABLE AS $$
    SELECT to_timestamp(least(at, 253402300799000) / 1000.0)
$$;

CREATE VIEW taskcast.task_list AS
SELECT task_id, epoch, type, status, tags, taskcast.time_of(created_at) AS created,
       taskcast.time_of(completed_at) AS completed, taskcast.time_of(last_at) AS last_event,
       tail - trim AS readable_events, tail, hot, record, log_id
FROM taskcast.logs
WHERE NOT dead;

CREATE VIEW taskcast.task_events AS
SELECT l.task_id, l.epoch, s.idx, taskcast.time_of(s.at) AS at, s.type,
       (ARRAY['debug', 'info', 'warn', 'error'])[s.level + 1] AS level,
       CASE WHEN s.state = 2 THEN 'cleaned'
            WHEN s.state = 1 OR s.superseded_by IS NOT NULL THEN 'superseded'
            WHEN s.payload IS NOT NULL THEN 'quarantined'
            ELSE 'event' END AS state,
       s.series, (ARRAY['keep-all', 'accumulate', 'latest'])[s.mode + 1] AS mode,
       s.data, s.commit_no, l.log_id
FROM taskcast.logs l JOIN taskcast.slots s ON s.log_id = l.log_id AND s.idx >= l.trim
WHERE NOT l.dead;

-- The folded text of every series that is kept, in JSON-escaped form.
CREATE VIEW taskcast.task_texts AS
SELECT l.task_id, l.epoch, s.name AS series, s.run,
       (SELECT string_agg(t.text, '' ORDER BY t.start) FROM taskcast.texts t
        WHERE t.log_id = s.log_id AND t.series = s.name AND t.run = s.run) AS text
FROM taskcast.logs l JOIN taskcast.series s USING (log_id)
WHERE NOT l.dead AND s.mode = 1;
