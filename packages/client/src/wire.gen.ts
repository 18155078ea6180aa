// Made by scripts/check-openapi.mjs from openapi.json. Do not edit.

export type paths = Record<string, never>;
export type webhooks = Record<string, never>;
export interface components {
    schemas: {
        /** @description One layer of storage. */
        Adapter: {
            /** @description `memory`, `sqlite`, `redis`, `postgres`. */
            provider: string;
            /** @description `ok` or `error`. */
            status: string;
        };
        /** @description What a server is built on. */
        Adapters: {
            /** @description What tells other instances that something was appended. */
            broadcast: components["schemas"]["Adapter"];
            /** @description The archive, when there is one. */
            longTermStore?: components["schemas"]["Adapter"];
            /** @description The truth about live tasks. */
            shortTermStore: components["schemas"]["Adapter"];
        };
        /** @description The body of `POST /admin/token`. */
        AdminTokenRequest: {
            /** @description The token that the configuration names. Anything but a text is a wrong one. */
            adminToken: string;
            /**
             * Format: int64
             * @description Seconds until it ends; 86400 by default.
             */
            expiresIn?: number;
            /** @description What the new token may do; `*` for everything, which is the default. */
            scopes?: string[];
        };
        /** @description The answer of `POST /admin/token`. */
        AdminTokenResponse: {
            /**
             * Format: int64
             * @description When it ends, in seconds since the Unix epoch.
             */
            expiresAt: number;
            /** @description The token; empty when the server cannot sign any. */
            token: string;
        };
        /** @description Any JSON value. */
        AnyValue: unknown;
        /** @description An archive. Its events are counted from 0 without gaps. */
        Archive: {
            /** @description Its events, in order. `data` is in every one, as `null` where the event has none. */
            events: components["schemas"]["TaskEvent"][];
            /**
             * Format: int64
             * @description When it was written, in milliseconds since the Unix epoch.
             */
            exportedAt: number;
            /** @description `taskcast.taskArchive`. */
            schema: string;
            /** @description The task. */
            task: components["schemas"]["Task"];
            /**
             * Format: int32
             * @description 1.
             */
            version: number;
        };
        /** @description How far the archive is behind. */
        ArchiveDetail: {
            /**
             * Format: int64
             * @description Bytes that wait to be archived, about.
             */
            backlogBytes: number;
            /** @description Whether publishing is refused now. */
            full: boolean;
            /**
             * Format: int64
             * @description Bytes at which publishing is refused.
             */
            maxBacklogBytes: number;
            /**
             * Format: int64
             * @description Partitions of the short-term store with commits that wait to be archived.
             */
            partitionsBehind: number;
            /** @description Whether this instance is the one that archives. */
            working: boolean;
        };
        /** @description Rules of one task on who may do what with it. Rules only narrow what a token allows. */
        AuthConfig: {
            /** @description All rules that apply have to hold. */
            rules?: components["schemas"]["AuthRule"][];
        };
        /** @description How callers are known. */
        AuthMode: {
            /** @description `none`, `jwt` or `custom`. */
            mode: string;
        };
        /** @description One rule: it applies to the scopes it names, and asks something of the caller. */
        AuthRule: {
            /** @description When the rule applies. */
            match: components["schemas"]["RuleMatch"];
            /** @description What it asks; all that is given has to hold. */
            require: components["schemas"]["Requirement"];
        };
        /** @description What a blocked task asks for. */
        BlockedRequest: {
            /** @description Whatever the one who answers needs to know; any JSON value. */
            data?: components["schemas"]["AnyValue"];
            /** @description What kind of answer is wanted; free text. */
            type: string;
        };
        /**
         * @description The body of `POST /tasks`. Every field is optional; `null` is refused for all of them, and
         *     unknown keys are ignored.
         */
        CreateTask: {
            /**
             * @description Rules on who may do what with the task, on top of the caller's token:
             *     `{"rules":[{"match":{"scope":[…]},"require":{"sub":[…],"claims":{…}}}]}`.
             */
            authConfig?: components["schemas"]["AuthConfig"];
            /** @description The id; a ULID is made up where none is given. */
            id?: components["schemas"]["NewTaskId"];
            /** @description Notes of the caller. */
            metadata?: Record<string, unknown>;
            /** @description Input of the task. */
            params?: Record<string, unknown>;
            /** @description Words to find the task by. */
            tags?: components["schemas"]["Name"][];
            /**
             * Format: int64
             * @description Seconds until the task times out; stands still while the task is paused.
             */
            ttl?: number;
            /** @description The type, for filters; dots separate words. */
            type?: components["schemas"]["Name"];
        };
        /** @description Whether a dependency answers. */
        Dependency: {
            /** @description Why it does not, in one word: `timeout`, `unavailable`. */
            errorKind?: string;
            /** @description Whether it answers. */
            state: components["schemas"]["DependencyState"];
        };
        /** @description How a dependency is, and since when. */
        DependencyDetail: {
            /** @description True. */
            configured: boolean;
            /**
             * Format: int64
             * @description Failures since it last answered.
             */
            consecutiveFailures: number;
            /** @description The last failure in one word, also after it answers again. */
            lastErrorKind?: string;
            /** @description Since when, as `2026-01-31T12:00:00.000Z`. */
            lastTransitionAt: string;
            /**
             * Format: int64
             * @description How often the connection was tried anew since it was lost.
             */
            reconnectAttempts?: number;
            /** @description How it is. */
            state: components["schemas"]["ManagedState"];
        };
        /**
         * @description Whether a dependency answers.
         * @enum {string}
         */
        DependencyState: "healthy" | "unhealthy";
        /** @description The answer to a request that an exactly-once producer had already made. */
        DuplicateAnswer: {
            /** @description True. */
            duplicate: boolean;
        };
        /** @description The body of every answer that is not a success. */
        ErrorBody: {
            /**
             * @description A stable word for programs. A client may meet words that are newer than it is; an answer
             *     that did not come from Taskcast itself has none.
             */
            code: components["schemas"]["ErrorCode"];
            /** @description More about it, depending on `code`. */
            details?: Record<string, unknown>;
            /** @description A sentence for people. */
            error: string;
        };
        /**
         * @description What went wrong, as a stable word for programs.
         * @enum {string}
         */
        ErrorCode: "invalid_request" | "malformed_json" | "json_too_deep" | "not_supported_yet" | "too_many_tags" | "too_many_series" | "filter_too_large" | "task_sealed" | "task_not_blocked" | "unauthorized" | "forbidden" | "producer_fenced" | "not_found" | "task_not_found" | "no_blocked_request" | "method_not_allowed" | "body_timeout" | "task_exists" | "invalid_transition" | "conflict" | "producer_gap" | "series_conflict" | "storage_precondition_failed" | "storage_busy" | "body_too_large" | "batch_too_large" | "event_data_too_large" | "line_too_large" | "unsupported_media_type" | "idempotency_key_reused" | "too_many_subscribers" | "internal" | "storage_integrity_error" | "storage_release_unsupported" | "storage_unavailable" | "store_unavailable" | "store_full" | "shutting_down";
        /** @description An event to publish. */
        EventBody: {
            /** @description The payload; absent and `null` are different. */
            data?: components["schemas"]["AnyValue"];
            /** @description How much it matters; `info` where absent. */
            level?: components["schemas"]["EventLevel"];
            /** @description The string field of `data` that an `accumulate` series joins; `delta` where absent. */
            seriesAccField?: string;
            /** @description The series it belongs to; takes part in it when `seriesMode` is given too. */
            seriesId?: components["schemas"]["Name"];
            /** @description How the series folds. */
            seriesMode?: components["schemas"]["EventSeriesMode"];
            /** @description What happened; dots separate words. Types that begin with `taskcast:` are reserved. */
            type: components["schemas"]["PublishedType"];
        };
        /**
         * @description How much an event matters.
         * @enum {string}
         */
        EventLevel: "debug" | "info" | "warn" | "error";
        /**
         * @description How a series folds; fixed by its first event.
         * @enum {string}
         */
        EventSeriesMode: "keep-all" | "accumulate" | "latest";
        /** @description Events and a change of status that are committed as one. */
        EventsWithTransition: {
            /** @description The events, in order. */
            events: components["schemas"]["EventBody"][];
            /** @description The change of status that follows them. */
            transition?: components["schemas"]["TransitionTask"];
        };
        /** @description The answer of `GET /health`: the process lives. Nothing else is asked. */
        Health: {
            /** @description The version of the routes: `v1`. */
            apiVersion: string;
            /** @description `taskcast`. */
            name: string;
            /** @description True. */
            ok: boolean;
            /** @description The version of the server. */
            version: string;
        };
        /** @description The answer of `GET /health/detail`: always 200. */
        HealthDetail: {
            /** @description What a 2xx answer to a write means, as a sentence. */
            acknowledgement: string;
            /** @description What the server is built on. */
            adapters: components["schemas"]["Adapters"];
            /** @description The version of the routes: `v1`. */
            apiVersion: string;
            /** @description How far the archive is behind; absent without a long-term store. */
            archive?: components["schemas"]["ArchiveDetail"];
            /** @description How callers are known. */
            auth: components["schemas"]["AuthMode"];
            /** @description The dependencies by name; absent when there are none. */
            dependencies?: {
                [key: string]: components["schemas"]["DependencyDetail"];
            };
            /** @description `taskcast`. */
            name: string;
            /** @description Whether every dependency is healthy. */
            ok: boolean;
            /**
             * Format: int64
             * @description Seconds since the server started.
             */
            uptime: number;
            /** @description The version of the server. */
            version: string;
        };
        /** @description The answer to an import. */
        ImportAnswer: {
            /**
             * Format: int64
             * @description How many events came with it.
             */
            eventCount: number;
            /** @description True. */
            ok: boolean;
            /** @description Whether a task that had the id was replaced. */
            overwritten: boolean;
            /** @description The id of the task. */
            taskId: string;
        };
        /** @description The body of `POST /tasks/import`, as clients write it. */
        ImportBody: {
            /** @description The archive as it was exported. */
            archive: components["schemas"]["Archive"];
            /** @description Whether a task that has the id is replaced. */
            overwrite?: boolean;
        };
        /** @description Paths below the root of the server. */
        Links: {
            /** @description The same for people. */
            docs: string;
            /** @description Whether the process lives. */
            health: string;
            /** @description How it is set up. */
            healthDetail: string;
            /** @description Whether its dependencies answer. */
            healthReady: string;
            /** @description The description of the routes. */
            openapi: string;
        };
        /**
         * @description How a dependency is.
         * @enum {string}
         */
        ManagedState: "starting" | "healthy" | "reconnecting" | "unhealthy";
        /** @description 1 to 256 bytes of UTF-8 without control characters. */
        Name: string;
        /** @description The answer to a streamed publish. */
        NdjsonSummary: {
            /**
             * Format: int64
             * @description The index of the last event appended; absent when there was none.
             */
            lastIndex?: number;
            /**
             * Format: int64
             * @description Lines that were appended.
             */
            published: number;
            /**
             * Format: int64
             * @description Lines that were stored before.
             */
            skipped: number;
        };
        /** @description 1 to 256 bytes of UTF-8 without control characters; not `.` or `..`. */
        NewTaskId: string;
        /** @description Where an exactly-once producer stands: it goes on at `seq + 1`. */
        ProducerState: {
            /**
             * Format: int64
             * @description The newest epoch of the producer.
             */
            epoch: number;
            /**
             * Format: int64
             * @description The last sequence number stored in that epoch.
             */
            seq: number;
        };
        /** @description What a publish is answered with: as it was asked. */
        PublishAnswer: components["schemas"]["TaskEvent"] | components["schemas"]["TaskEvent"][] | components["schemas"]["PublishedWithTransition"] | components["schemas"]["NdjsonSummary"];
        /** @description 1 to 256 bytes of UTF-8 without control characters, not beginning with `taskcast:`. */
        PublishedType: string;
        /** @description The answer to events that were published with a transition. */
        PublishedWithTransition: {
            /** @description The published events. Those of the transition are not listed. */
            events: components["schemas"]["TaskEvent"][];
            task?: components["schemas"]["Task"] | null;
        };
        /** @description The body of `POST /tasks/:taskId/events`, as clients write it. */
        PublishRequest: components["schemas"]["EventBody"] | components["schemas"]["EventBody"][] | components["schemas"]["EventsWithTransition"];
        /** @description The answer of `GET /health/ready`: 200 when every dependency is healthy, else 503. */
        Readiness: {
            /** @description The dependencies by name. */
            dependencies: {
                [key: string]: components["schemas"]["Dependency"];
            };
            /** @description Whether every dependency is healthy. */
            ok: boolean;
        };
        /** @description The answer of `POST /tasks/:taskId/storage/release`. */
        ReleaseAnswer: {
            /**
             * Format: int64
             * @description The index of the last event that is archived; -1 when none is.
             */
            archiveWatermark: number;
            /** @description Whether this request let go of anything. */
            released: boolean;
            /** @description Where it is now. */
            storageState: components["schemas"]["StorageState"];
            /** @description The task. */
            taskId: string;
        };
        /** @description The body of `POST /tasks/:taskId/storage/release`. */
        ReleaseRequest: {
            /**
             * Format: int64
             * @description The index of the last event that the caller knows of; -1 when the log has none.
             */
            expectedLastEventIndex: number;
            /**
             * Format: int64
             * @description The task was inactive since then, in milliseconds since 1970.
             */
            inactiveSince: number;
        };
        /** @description What a rule asks of the caller. */
        Requirement: {
            /** @description Each of these claims is in the token with an equal value. */
            claims?: Record<string, unknown>;
            /** @description The subject is one of these. */
            sub?: string[];
        };
        /** @description The body of `POST /tasks/:taskId/resolve`; may be left out. */
        ResolveTask: {
            /** @description The answer: any JSON value. */
            data?: components["schemas"]["AnyValue"];
        };
        /** @description What came out of a task. */
        ResultValue: Record<string, unknown> | unknown[];
        /** @description When a rule applies. */
        RuleMatch: {
            /** @description The scopes that the rule is about; `*` for every one. */
            scope: string[];
        };
        /** @description The answer of `GET /`. */
        ServerInfo: {
            /** @description The version of the routes: `v1`. */
            apiVersion: string;
            /** @description Where to look next. */
            links: components["schemas"]["Links"];
            /** @description `taskcast`. */
            name: string;
            /** @description The version of the server. */
            version: string;
        };
        /**
         * @description Where a task is stored.
         * @enum {string}
         */
        StorageState: "hot" | "releasing" | "cold";
        /** @description A task. Fields that have no value are absent, never `null`. */
        Task: {
            /** @description Rules on who may do what with the task, on top of the caller's token. */
            authConfig?: components["schemas"]["AuthConfig"];
            /** @description What a blocked task asks for. */
            blockedRequest?: components["schemas"]["BlockedRequest"];
            /**
             * Format: int64
             * @description When the task ended, in milliseconds since the Unix epoch.
             */
            completedAt?: number;
            /**
             * Format: int64
             * @description When the task was created, in milliseconds since the Unix epoch.
             */
            createdAt: number;
            /** @description What went wrong, by the last transition that said so. */
            error?: components["schemas"]["TaskError"];
            /** @description The id, unique among the tasks that exist. */
            id: string;
            /** @description Notes given at creation. */
            metadata?: Record<string, unknown>;
            /** @description Input given at creation. */
            params?: Record<string, unknown>;
            /** @description Why the task is paused or blocked. */
            reason?: string;
            /** @description What came out, by the last transition that said so. */
            result?: components["schemas"]["ResultValue"];
            /**
             * Format: int64
             * @description When a blocked task goes on by itself, in milliseconds since the Unix epoch.
             */
            resumeAt?: number;
            /** @description Where the task stands. */
            status: components["schemas"]["TaskStatus"];
            /** @description Words to find the task by. */
            tags?: string[];
            /**
             * Format: int64
             * @description Seconds the task may take.
             */
            ttl?: number;
            /** @description The type given at creation; dots separate words. */
            type?: string;
            /**
             * Format: int64
             * @description When the task last changed, in milliseconds since the Unix epoch. Publishing is no change.
             */
            updatedAt: number;
        };
        /** @description Why a task failed, as its worker said. */
        TaskError: {
            /** @description A stable word for programs. */
            code?: string;
            /** @description Anything else. */
            details?: Record<string, unknown>;
            /** @description A sentence for people. */
            message: string;
        };
        /** @description An event, as history, publishing and unwrapped streams show it. */
        TaskEvent: {
            /** @description The payload; absent and `null` are different. */
            data?: components["schemas"]["AnyValue"];
            /** @description The id, unique within the task: a cursor for `since.id` and `Last-Event-ID`. */
            id: string;
            /**
             * Format: int64
             * @description Its position in the log of the task, from 0; every event of any type takes one.
             */
            index: number;
            /** @description How much it matters. */
            level: components["schemas"]["EventLevel"];
            /** @description The string field of `data` that an `accumulate` series joins; `delta` where absent. */
            seriesAccField?: string;
            /** @description The series it belongs to. */
            seriesId?: string;
            /** @description How the series folds. */
            seriesMode?: components["schemas"]["EventSeriesMode"];
            /** @description Whether `data` is the folded value of the series so far, which replaces what was seen of it. */
            seriesSnapshot?: boolean;
            /** @description The task it belongs to. */
            taskId: string;
            /**
             * Format: int64
             * @description When it was appended, in milliseconds since the Unix epoch; never decreases along the log.
             */
            timestamp: number;
            /** @description What happened. */
            type: string;
        };
        /** @description One page of tasks, newest first. */
        TaskList: {
            /** @description The `cursor` of the next page; absent on the last one. */
            nextCursor?: string;
            /** @description The tasks. A page may be short when a filter is sparse. */
            tasks: components["schemas"]["TaskView"][];
        };
        /**
         * @description Where a task stands.
         * @enum {string}
         */
        TaskStatus: "pending" | "assigned" | "running" | "paused" | "blocked" | "completed" | "failed" | "timeout" | "cancelled";
        /** @description A task, and who follows it on the instance that answers. */
        TaskView: components["schemas"]["Task"] & {
            /** @description Whether anybody follows the task: `subscriberCount > 0`. */
            hot: boolean;
            /**
             * Format: int64
             * @description Open streams of this task on the instance that answers.
             */
            subscriberCount: number;
        };
        /** @description The answer of `POST /tasks/:taskId/tickets`. */
        TicketResponse: {
            /**
             * Format: int64
             * @description When streams that it opened end, in milliseconds since the Unix epoch. The first has to be
             *     opened within 60 seconds.
             */
            expiresAt: number;
            /** @description The value of `?ticket=` for the stream of this one task. */
            ticket: string;
        };
        /** @description The body of `PATCH /tasks/:taskId/status`, and the `transition` of a publish. */
        TransitionTask: {
            /** @description What the blocked task asks for; ignored for other targets. */
            blockedRequest?: components["schemas"]["BlockedRequest"];
            /** @description What went wrong; kept like `result`. */
            error?: components["schemas"]["TaskError"];
            /** @description Why the task is paused or blocked; ignored for other targets. */
            reason?: string;
            /** @description What came out; kept by later transitions that say nothing. */
            result?: Record<string, unknown>;
            /**
             * Format: int64
             * @description Milliseconds until a blocked task goes on by itself; ignored for other targets.
             */
            resumeAfterMs?: number;
            /** @description Where the task shall stand. */
            status: components["schemas"]["TaskStatus"];
            /**
             * Format: int64
             * @description A new `ttl` in seconds, which starts to run now.
             */
            ttl?: number;
        };
    };
    responses: never;
    parameters: never;
    requestBodies: never;
    headers: never;
    pathItems: never;
}
export type $defs = Record<string, never>;
export type operations = Record<string, never>;
