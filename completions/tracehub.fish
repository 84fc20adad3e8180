# Print an optspec for argparse to handle cmd's options that are independent of any subcommand.
function __fish_tracehub_global_optspecs
    string join \n db= url= api-key= ca-cert= o/output= json fields= q/quiet v/verbose color= time= width= ascii no-pager h/help V/version
end

function __fish_tracehub_needs_command
    # Figure out if the current invocation already has a command.
    set -l cmd (commandline -opc)
    set -e cmd[1]
    argparse -s (__fish_tracehub_global_optspecs) -- $cmd 2>/dev/null
    or return
    if set -q argv[1]
        # Also print the command, so this can be used to figure out what it is.
        echo $argv[1]
        return 1
    end
    return 0
end

function __fish_tracehub_using_subcommand
    set -l cmd (__fish_tracehub_needs_command)
    test -z "$cmd"
    and return 1
    contains -- $cmd[1] $argv
end

complete -c tracehub -n "__fish_tracehub_needs_command" -l db -d 'Database file, or the URL of a server [env: TRACEHUB_DB]' -r -F
complete -c tracehub -n "__fish_tracehub_needs_command" -l url -d 'Ask this server instead of a file [env: TRACEHUB_URL]' -r -f
complete -c tracehub -n "__fish_tracehub_needs_command" -l api-key -d 'Key for the server [env: TRACEHUB_API_KEY]' -r
complete -c tracehub -n "__fish_tracehub_needs_command" -l ca-cert -d 'Trust the servers whose certificates, or their authorities, are in this file [env: TRACEHUB_CA_CERT]' -r -F
complete -c tracehub -n "__fish_tracehub_needs_command" -s o -l output -d 'What to print: table, json, ndjson, csv, tsv, id [default: table]' -r -f -a "table\t'For people'
json\t'One JSON document'
ndjson\t'One JSON object a line'
csv\t'Comma-separated with a header'
tsv\t'Tab-separated with a header'
id\t'Ids only'"
complete -c tracehub -n "__fish_tracehub_needs_command" -l fields -d 'Print only these fields, such as `trace_id,duration_ms,tokens.input`' -r
complete -c tracehub -n "__fish_tracehub_needs_command" -l color -d 'When to colour: auto, always, never' -r -f -a "auto\t'On a terminal, unless NO_COLOR and the like say otherwise'
always\t'Always'
never\t'Never'"
complete -c tracehub -n "__fish_tracehub_needs_command" -l time -d 'How to write times: relative, local, utc [default: relative on a terminal, else utc]' -r -f -a "relative\t'As ages: 12s, 4m, 3h'
local\t'In the local time zone'
utc\t'In UTC'"
complete -c tracehub -n "__fish_tracehub_needs_command" -l width -d 'Columns to fill [default: the terminal\'s]' -r
complete -c tracehub -n "__fish_tracehub_needs_command" -l json -d 'Print JSON, the same as `-o json`'
complete -c tracehub -n "__fish_tracehub_needs_command" -s q -l quiet -d 'Print only ids, and no messages'
complete -c tracehub -n "__fish_tracehub_needs_command" -s v -l verbose -d 'Say more on stderr; twice for even more'
complete -c tracehub -n "__fish_tracehub_needs_command" -l ascii -d 'Draw with ASCII only'
complete -c tracehub -n "__fish_tracehub_needs_command" -l no-pager -d 'Do not page long output'
complete -c tracehub -n "__fish_tracehub_needs_command" -s h -l help -d 'Print help'
complete -c tracehub -n "__fish_tracehub_needs_command" -s V -l version -d 'Print version'
complete -c tracehub -n "__fish_tracehub_needs_command" -f -a "start" -d 'Run the server in the foreground'
complete -c tracehub -n "__fish_tracehub_needs_command" -f -a "status" -d 'Say whether a server is up, and what its database holds'
complete -c tracehub -n "__fish_tracehub_needs_command" -f -a "list" -d 'List recent traces, newest first'
complete -c tracehub -n "__fish_tracehub_needs_command" -f -a "show" -d 'Show one trace as a waterfall with self time, events and errors'
complete -c tracehub -n "__fish_tracehub_needs_command" -f -a "spans" -d 'List spans, newest first, with the attributes the filter names'
complete -c tracehub -n "__fish_tracehub_needs_command" -f -a "search" -d 'Find text in everything: names, attributes, messages, exceptions, prompts, payloads'
complete -c tracehub -n "__fish_tracehub_needs_command" -f -a "stats" -d 'Show totals, and calls, errors and latency by operation'
complete -c tracehub -n "__fish_tracehub_needs_command" -f -a "why" -d 'Say what the traces of a filter have in common that the others do not have'
complete -c tracehub -n "__fish_tracehub_needs_command" -f -a "attrs" -d 'List attribute keys with their types, or the values of one, with counts'
complete -c tracehub -n "__fish_tracehub_needs_command" -f -a "sql" -d 'Ask with a SELECT over traces, spans, events, logs, checkpoints, issues'
complete -c tracehub -n "__fish_tracehub_needs_command" -f -a "export" -d 'Write traces, spans, events, logs, checkpoints, issues for other programs'
complete -c tracehub -n "__fish_tracehub_needs_command" -f -a "query" -d 'Save filters under a name, to be used as @NAME'
complete -c tracehub -n "__fish_tracehub_needs_command" -f -a "logs" -d 'Find log records, or follow them'
complete -c tracehub -n "__fish_tracehub_needs_command" -f -a "issues" -d 'List errors, grouped into issues; show, resolve, reopen and ignore them'
complete -c tracehub -n "__fish_tracehub_needs_command" -f -a "tail" -d 'Follow what arrives, one line a record'
complete -c tracehub -n "__fish_tracehub_needs_command" -f -a "clear" -d 'Delete traces: all of them, or those the flags name'
complete -c tracehub -n "__fish_tracehub_needs_command" -f -a "import" -d 'Bring in old databases (tracehub, the Python tracehub server, msgtrace) and undelivered log entries'
complete -c tracehub -n "__fish_tracehub_needs_command" -f -a "keys" -d 'Issue, list and revoke API keys'
complete -c tracehub -n "__fish_tracehub_needs_command" -f -a "trace" -d 'The current trace, fresh ids, and traces listed and shown'
complete -c tracehub -n "__fish_tracehub_needs_command" -f -a "log" -d 'Send one log record'
complete -c tracehub -n "__fish_tracehub_needs_command" -f -a "demo" -d 'See it work: sends recorded and made-up traces to a server of its own and shows them'
complete -c tracehub -n "__fish_tracehub_needs_command" -f -a "doctor" -d 'Say what is wrong with file, server and senders, and the line that mends it'
complete -c tracehub -n "__fish_tracehub_needs_command" -f -a "soak" -d 'Write, kill the server, start it again, read back, and count what is lost'
complete -c tracehub -n "__fish_tracehub_needs_command" -f -a "completions" -d 'Print a completion script'
complete -c tracehub -n "__fish_tracehub_needs_command" -f -a "man" -d 'Print a manual page; on a terminal, show it'
complete -c tracehub -n "__fish_tracehub_needs_command" -f -a "filters" -d 'How to write filters, for list, logs, tail and the HTTP API'
complete -c tracehub -n "__fish_tracehub_using_subcommand start" -l host -d 'Address or name to listen on' -r
complete -c tracehub -n "__fish_tracehub_using_subcommand start" -l port -d 'Main port; 0 picks a free one [env: TRACEHUB_PORT] [default: 8099]' -r
complete -c tracehub -n "__fish_tracehub_using_subcommand start" -l retention -d 'How long to keep records after they were received, or `off` [env: TRACEHUB_RETENTION_HOURS] [default: 24h]' -r
complete -c tracehub -n "__fish_tracehub_using_subcommand start" -l otlp-grpc -d 'Also receive OTLP/gRPC there, or `off` [default: 127.0.0.1:4317, unless busy]' -r
complete -c tracehub -n "__fish_tracehub_using_subcommand start" -l otlp-http -d 'Also receive OTLP/HTTP there, or `off` [default: 127.0.0.1:4318, unless busy]' -r
complete -c tracehub -n "__fish_tracehub_using_subcommand start" -l durability -d 'When a write counts as stored' -r -f -a "disk\t'On disk: survives power loss'
os\t'With the operating system: faster, survives only a crash of tracehub'"
complete -c tracehub -n "__fish_tracehub_using_subcommand start" -l allowed-host -d 'Name that requests may use for this server, besides its address; repeat for more [env: TRACEHUB_ALLOWED_HOSTS]' -r
complete -c tracehub -n "__fish_tracehub_using_subcommand start" -l cors-origin -d 'Web site whose pages may call, such as https://app.example; repeat for more [env: TRACEHUB_CORS_ORIGINS]' -r
complete -c tracehub -n "__fish_tracehub_using_subcommand start" -l limit-rate -d 'What each key, and each address without one, may send in a second: 5000, 10MB or 5000,10MB [env: TRACEHUB_LIMIT_RATE]' -r
complete -c tracehub -n "__fish_tracehub_using_subcommand start" -l webhook -d 'Post every new or reopened issue there; repeat for more [env: TRACEHUB_WEBHOOKS, with commas]' -r
complete -c tracehub -n "__fish_tracehub_using_subcommand start" -l webhook-secret -d 'What posts to webhooks are signed with, in X-TraceHub-Signature [env: TRACEHUB_WEBHOOK_SECRET]' -r
complete -c tracehub -n "__fish_tracehub_using_subcommand start" -l redact -d 'Take secrets out before anything is written, by the rules in this file [env: TRACEHUB_REDACT]' -r -F
complete -c tracehub -n "__fish_tracehub_using_subcommand start" -l tls-cert -d 'Speak TLS on all ports, with the certificate and its chain in this file (PEM)' -r -F
complete -c tracehub -n "__fish_tracehub_using_subcommand start" -l tls-key -d 'The private key of the certificate (PEM)' -r -F
complete -c tracehub -n "__fish_tracehub_using_subcommand start" -l queue-size -d 'Taken for the sake of old scripts; what waits is bounded by bytes here' -r
complete -c tracehub -n "__fish_tracehub_using_subcommand start" -l db -d 'Database file, or the URL of a server [env: TRACEHUB_DB]' -r -F
complete -c tracehub -n "__fish_tracehub_using_subcommand start" -l url -d 'Ask this server instead of a file [env: TRACEHUB_URL]' -r -f
complete -c tracehub -n "__fish_tracehub_using_subcommand start" -l api-key -d 'Key for the server [env: TRACEHUB_API_KEY]' -r
complete -c tracehub -n "__fish_tracehub_using_subcommand start" -l ca-cert -d 'Trust the servers whose certificates, or their authorities, are in this file [env: TRACEHUB_CA_CERT]' -r -F
complete -c tracehub -n "__fish_tracehub_using_subcommand start" -s o -l output -d 'What to print: table, json, ndjson, csv, tsv, id [default: table]' -r -f -a "table\t'For people'
json\t'One JSON document'
ndjson\t'One JSON object a line'
csv\t'Comma-separated with a header'
tsv\t'Tab-separated with a header'
id\t'Ids only'"
complete -c tracehub -n "__fish_tracehub_using_subcommand start" -l fields -d 'Print only these fields, such as `trace_id,duration_ms,tokens.input`' -r
complete -c tracehub -n "__fish_tracehub_using_subcommand start" -l color -d 'When to colour: auto, always, never' -r -f -a "auto\t'On a terminal, unless NO_COLOR and the like say otherwise'
always\t'Always'
never\t'Never'"
complete -c tracehub -n "__fish_tracehub_using_subcommand start" -l time -d 'How to write times: relative, local, utc [default: relative on a terminal, else utc]' -r -f -a "relative\t'As ages: 12s, 4m, 3h'
local\t'In the local time zone'
utc\t'In UTC'"
complete -c tracehub -n "__fish_tracehub_using_subcommand start" -l width -d 'Columns to fill [default: the terminal\'s]' -r
complete -c tracehub -n "__fish_tracehub_using_subcommand start" -l allow-network-fs -d 'Write to a file on a network file system, which no other machine may open'
complete -c tracehub -n "__fish_tracehub_using_subcommand start" -l open-network -d 'Answer other machines without a key, which lets all of them read, send and delete: for closed networks'
complete -c tracehub -n "__fish_tracehub_using_subcommand start" -l open-loopback -d 'Answer callers on this machine without a key, also when others need one; not behind a proxy on this machine'
complete -c tracehub -n "__fish_tracehub_using_subcommand start" -l reload -d 'Taken for the sake of old scripts; there is no code here to load anew'
complete -c tracehub -n "__fish_tracehub_using_subcommand start" -l json -d 'Print JSON, the same as `-o json`'
complete -c tracehub -n "__fish_tracehub_using_subcommand start" -s q -l quiet -d 'Print only ids, and no messages'
complete -c tracehub -n "__fish_tracehub_using_subcommand start" -s v -l verbose -d 'Say more on stderr; twice for even more'
complete -c tracehub -n "__fish_tracehub_using_subcommand start" -l ascii -d 'Draw with ASCII only'
complete -c tracehub -n "__fish_tracehub_using_subcommand start" -l no-pager -d 'Do not page long output'
complete -c tracehub -n "__fish_tracehub_using_subcommand start" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c tracehub -n "__fish_tracehub_using_subcommand status" -l db -d 'Database file, or the URL of a server [env: TRACEHUB_DB]' -r -F
complete -c tracehub -n "__fish_tracehub_using_subcommand status" -l url -d 'Ask this server instead of a file [env: TRACEHUB_URL]' -r -f
complete -c tracehub -n "__fish_tracehub_using_subcommand status" -l api-key -d 'Key for the server [env: TRACEHUB_API_KEY]' -r
complete -c tracehub -n "__fish_tracehub_using_subcommand status" -l ca-cert -d 'Trust the servers whose certificates, or their authorities, are in this file [env: TRACEHUB_CA_CERT]' -r -F
complete -c tracehub -n "__fish_tracehub_using_subcommand status" -s o -l output -d 'What to print: table, json, ndjson, csv, tsv, id [default: table]' -r -f -a "table\t'For people'
json\t'One JSON document'
ndjson\t'One JSON object a line'
csv\t'Comma-separated with a header'
tsv\t'Tab-separated with a header'
id\t'Ids only'"
complete -c tracehub -n "__fish_tracehub_using_subcommand status" -l fields -d 'Print only these fields, such as `trace_id,duration_ms,tokens.input`' -r
complete -c tracehub -n "__fish_tracehub_using_subcommand status" -l color -d 'When to colour: auto, always, never' -r -f -a "auto\t'On a terminal, unless NO_COLOR and the like say otherwise'
always\t'Always'
never\t'Never'"
complete -c tracehub -n "__fish_tracehub_using_subcommand status" -l time -d 'How to write times: relative, local, utc [default: relative on a terminal, else utc]' -r -f -a "relative\t'As ages: 12s, 4m, 3h'
local\t'In the local time zone'
utc\t'In UTC'"
complete -c tracehub -n "__fish_tracehub_using_subcommand status" -l width -d 'Columns to fill [default: the terminal\'s]' -r
complete -c tracehub -n "__fish_tracehub_using_subcommand status" -l json -d 'Print JSON, the same as `-o json`'
complete -c tracehub -n "__fish_tracehub_using_subcommand status" -s q -l quiet -d 'Print only ids, and no messages'
complete -c tracehub -n "__fish_tracehub_using_subcommand status" -s v -l verbose -d 'Say more on stderr; twice for even more'
complete -c tracehub -n "__fish_tracehub_using_subcommand status" -l ascii -d 'Draw with ASCII only'
complete -c tracehub -n "__fish_tracehub_using_subcommand status" -l no-pager -d 'Do not page long output'
complete -c tracehub -n "__fish_tracehub_using_subcommand status" -s h -l help -d 'Print help'
complete -c tracehub -n "__fish_tracehub_using_subcommand list" -l attr -d 'Only with this attribute: `k=v`, `k!=v`, `k~=regex`, `k>5`, `k`; repeat for more, all on one record' -r
complete -c tracehub -n "__fish_tracehub_using_subcommand list" -s n -l limit -d 'At most this many; 0 is all' -r
complete -c tracehub -n "__fish_tracehub_using_subcommand list" -l service -d 'Only traces this service takes part in' -r
complete -c tracehub -n "__fish_tracehub_using_subcommand list" -l name -d 'Only traces whose name contains this, whatever the case' -r
complete -c tracehub -n "__fish_tracehub_using_subcommand list" -l workflow -d 'Only traces of this workflow' -r
complete -c tracehub -n "__fish_tracehub_using_subcommand list" -l session -d 'Only traces of this session or conversation' -r
complete -c tracehub -n "__fish_tracehub_using_subcommand list" -l env -d 'Only traces with a record of this environment' -r
complete -c tracehub -n "__fish_tracehub_using_subcommand list" -l min-duration -d 'Only traces that took at least this long: 250ms, 1.5s, 2m' -r
complete -c tracehub -n "__fish_tracehub_using_subcommand list" -l max-duration -d 'Only traces that took at most this long' -r
complete -c tracehub -n "__fish_tracehub_using_subcommand list" -l project -d 'Only traces with a record of this project' -r
complete -c tracehub -n "__fish_tracehub_using_subcommand list" -l kind -d 'Only traces that hold this kind of record' -r -f -a "spans\t'OpenTelemetry spans'
checkpoints\t'Entry and exit records'
logs\t'Log records'"
complete -c tracehub -n "__fish_tracehub_using_subcommand list" -l since -d 'From this time on: 15m, 2h, yesterday, 2026-11-21T09:00, …' -r
complete -c tracehub -n "__fish_tracehub_using_subcommand list" -l until -d 'Before this time' -r
complete -c tracehub -n "__fish_tracehub_using_subcommand list" -l sort -d 'What comes first' -r -f -a "start\t'The newest'
duration\t'The slowest'
spans\t'Those with most spans'
errors\t'Those with most errors'"
complete -c tracehub -n "__fish_tracehub_using_subcommand list" -l cursor -d 'Go on after this place; stderr then names the next one. Empty is the beginning' -r
complete -c tracehub -n "__fish_tracehub_using_subcommand list" -l db -d 'Database file, or the URL of a server [env: TRACEHUB_DB]' -r -F
complete -c tracehub -n "__fish_tracehub_using_subcommand list" -l url -d 'Ask this server instead of a file [env: TRACEHUB_URL]' -r -f
complete -c tracehub -n "__fish_tracehub_using_subcommand list" -l api-key -d 'Key for the server [env: TRACEHUB_API_KEY]' -r
complete -c tracehub -n "__fish_tracehub_using_subcommand list" -l ca-cert -d 'Trust the servers whose certificates, or their authorities, are in this file [env: TRACEHUB_CA_CERT]' -r -F
complete -c tracehub -n "__fish_tracehub_using_subcommand list" -s o -l output -d 'What to print: table, json, ndjson, csv, tsv, id [default: table]' -r -f -a "table\t'For people'
json\t'One JSON document'
ndjson\t'One JSON object a line'
csv\t'Comma-separated with a header'
tsv\t'Tab-separated with a header'
id\t'Ids only'"
complete -c tracehub -n "__fish_tracehub_using_subcommand list" -l fields -d 'Print only these fields, such as `trace_id,duration_ms,tokens.input`' -r
complete -c tracehub -n "__fish_tracehub_using_subcommand list" -l color -d 'When to colour: auto, always, never' -r -f -a "auto\t'On a terminal, unless NO_COLOR and the like say otherwise'
always\t'Always'
never\t'Never'"
complete -c tracehub -n "__fish_tracehub_using_subcommand list" -l time -d 'How to write times: relative, local, utc [default: relative on a terminal, else utc]' -r -f -a "relative\t'As ages: 12s, 4m, 3h'
local\t'In the local time zone'
utc\t'In UTC'"
complete -c tracehub -n "__fish_tracehub_using_subcommand list" -l width -d 'Columns to fill [default: the terminal\'s]' -r
complete -c tracehub -n "__fish_tracehub_using_subcommand list" -l failed -d 'Only traces with errors'
complete -c tracehub -n "__fish_tracehub_using_subcommand list" -l root-failed -d 'Only traces whose root span failed, whatever failed below it'
complete -c tracehub -n "__fish_tracehub_using_subcommand list" -l no-failed -l no-errors -d 'Only traces without errors'
complete -c tracehub -n "__fish_tracehub_using_subcommand list" -l reverse -d 'Turn the order round'
complete -c tracehub -n "__fish_tracehub_using_subcommand list" -l json -d 'Print JSON, the same as `-o json`'
complete -c tracehub -n "__fish_tracehub_using_subcommand list" -s q -l quiet -d 'Print only ids, and no messages'
complete -c tracehub -n "__fish_tracehub_using_subcommand list" -s v -l verbose -d 'Say more on stderr; twice for even more'
complete -c tracehub -n "__fish_tracehub_using_subcommand list" -l ascii -d 'Draw with ASCII only'
complete -c tracehub -n "__fish_tracehub_using_subcommand list" -l no-pager -d 'Do not page long output'
complete -c tracehub -n "__fish_tracehub_using_subcommand list" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c tracehub -n "__fish_tracehub_using_subcommand show" -l view -d 'Which picture' -r -f -a "waterfall\t'Bars over time'
tree\t'Indented names only'
list\t'One line a span by start time'"
complete -c tracehub -n "__fish_tracehub_using_subcommand show" -l span -d 'Only this span and what is below it: id, unique prefix of an id, or name' -r
complete -c tracehub -n "__fish_tracehub_using_subcommand show" -l logs -d 'Which log lines to draw [default: warn; all where there is nothing else]' -r -f -a "warn\t'Warnings and worse'
all\t'All'
none\t'None'"
complete -c tracehub -n "__fish_tracehub_using_subcommand show" -l db -d 'Database file, or the URL of a server [env: TRACEHUB_DB]' -r -F
complete -c tracehub -n "__fish_tracehub_using_subcommand show" -l url -d 'Ask this server instead of a file [env: TRACEHUB_URL]' -r -f
complete -c tracehub -n "__fish_tracehub_using_subcommand show" -l api-key -d 'Key for the server [env: TRACEHUB_API_KEY]' -r
complete -c tracehub -n "__fish_tracehub_using_subcommand show" -l ca-cert -d 'Trust the servers whose certificates, or their authorities, are in this file [env: TRACEHUB_CA_CERT]' -r -F
complete -c tracehub -n "__fish_tracehub_using_subcommand show" -s o -l output -d 'What to print: table, json, ndjson, csv, tsv, id [default: table]' -r -f -a "table\t'For people'
json\t'One JSON document'
ndjson\t'One JSON object a line'
csv\t'Comma-separated with a header'
tsv\t'Tab-separated with a header'
id\t'Ids only'"
complete -c tracehub -n "__fish_tracehub_using_subcommand show" -l fields -d 'Print only these fields, such as `trace_id,duration_ms,tokens.input`' -r
complete -c tracehub -n "__fish_tracehub_using_subcommand show" -l color -d 'When to colour: auto, always, never' -r -f -a "auto\t'On a terminal, unless NO_COLOR and the like say otherwise'
always\t'Always'
never\t'Never'"
complete -c tracehub -n "__fish_tracehub_using_subcommand show" -l time -d 'How to write times: relative, local, utc [default: relative on a terminal, else utc]' -r -f -a "relative\t'As ages: 12s, 4m, 3h'
local\t'In the local time zone'
utc\t'In UTC'"
complete -c tracehub -n "__fish_tracehub_using_subcommand show" -l width -d 'Columns to fill [default: the terminal\'s]' -r
complete -c tracehub -n "__fish_tracehub_using_subcommand show" -l attrs -d 'Print attributes below each span'
complete -c tracehub -n "__fish_tracehub_using_subcommand show" -l expand -d 'Do not fold runs of equal spans'
complete -c tracehub -n "__fish_tracehub_using_subcommand show" -l json -d 'Print JSON, the same as `-o json`'
complete -c tracehub -n "__fish_tracehub_using_subcommand show" -s q -l quiet -d 'Print only ids, and no messages'
complete -c tracehub -n "__fish_tracehub_using_subcommand show" -s v -l verbose -d 'Say more on stderr; twice for even more'
complete -c tracehub -n "__fish_tracehub_using_subcommand show" -l ascii -d 'Draw with ASCII only'
complete -c tracehub -n "__fish_tracehub_using_subcommand show" -l no-pager -d 'Do not page long output'
complete -c tracehub -n "__fish_tracehub_using_subcommand show" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c tracehub -n "__fish_tracehub_using_subcommand spans" -l attr -d 'Only with this attribute: `k=v`, `k!=v`, `k~=regex`, `k>5`, `k`; repeat for more, all on one record' -r
complete -c tracehub -n "__fish_tracehub_using_subcommand spans" -l since -d 'From this time on: 15m, 2h, yesterday, 2026-11-21T09:00, …' -r
complete -c tracehub -n "__fish_tracehub_using_subcommand spans" -l until -d 'Before this time' -r
complete -c tracehub -n "__fish_tracehub_using_subcommand spans" -s n -l limit -d 'At most this many; 0 is all' -r
complete -c tracehub -n "__fish_tracehub_using_subcommand spans" -l sort -d 'What comes first' -r -f -a "start\t'The newest'
duration\t'The slowest'"
complete -c tracehub -n "__fish_tracehub_using_subcommand spans" -l db -d 'Database file, or the URL of a server [env: TRACEHUB_DB]' -r -F
complete -c tracehub -n "__fish_tracehub_using_subcommand spans" -l url -d 'Ask this server instead of a file [env: TRACEHUB_URL]' -r -f
complete -c tracehub -n "__fish_tracehub_using_subcommand spans" -l api-key -d 'Key for the server [env: TRACEHUB_API_KEY]' -r
complete -c tracehub -n "__fish_tracehub_using_subcommand spans" -l ca-cert -d 'Trust the servers whose certificates, or their authorities, are in this file [env: TRACEHUB_CA_CERT]' -r -F
complete -c tracehub -n "__fish_tracehub_using_subcommand spans" -s o -l output -d 'What to print: table, json, ndjson, csv, tsv, id [default: table]' -r -f -a "table\t'For people'
json\t'One JSON document'
ndjson\t'One JSON object a line'
csv\t'Comma-separated with a header'
tsv\t'Tab-separated with a header'
id\t'Ids only'"
complete -c tracehub -n "__fish_tracehub_using_subcommand spans" -l fields -d 'Print only these fields, such as `trace_id,duration_ms,tokens.input`' -r
complete -c tracehub -n "__fish_tracehub_using_subcommand spans" -l color -d 'When to colour: auto, always, never' -r -f -a "auto\t'On a terminal, unless NO_COLOR and the like say otherwise'
always\t'Always'
never\t'Never'"
complete -c tracehub -n "__fish_tracehub_using_subcommand spans" -l time -d 'How to write times: relative, local, utc [default: relative on a terminal, else utc]' -r -f -a "relative\t'As ages: 12s, 4m, 3h'
local\t'In the local time zone'
utc\t'In UTC'"
complete -c tracehub -n "__fish_tracehub_using_subcommand spans" -l width -d 'Columns to fill [default: the terminal\'s]' -r
complete -c tracehub -n "__fish_tracehub_using_subcommand spans" -l reverse -d 'Turn the order round'
complete -c tracehub -n "__fish_tracehub_using_subcommand spans" -l json -d 'Print JSON, the same as `-o json`'
complete -c tracehub -n "__fish_tracehub_using_subcommand spans" -s q -l quiet -d 'Print only ids, and no messages'
complete -c tracehub -n "__fish_tracehub_using_subcommand spans" -s v -l verbose -d 'Say more on stderr; twice for even more'
complete -c tracehub -n "__fish_tracehub_using_subcommand spans" -l ascii -d 'Draw with ASCII only'
complete -c tracehub -n "__fish_tracehub_using_subcommand spans" -l no-pager -d 'Do not page long output'
complete -c tracehub -n "__fish_tracehub_using_subcommand spans" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c tracehub -n "__fish_tracehub_using_subcommand search" -l attr -d 'Only with this attribute: `k=v`, `k!=v`, `k~=regex`, `k>5`, `k`; repeat for more, all on one record' -r
complete -c tracehub -n "__fish_tracehub_using_subcommand search" -l since -d 'From this time on: 15m, 2h, yesterday, 2026-11-21T09:00, …' -r
complete -c tracehub -n "__fish_tracehub_using_subcommand search" -l until -d 'Before this time' -r
complete -c tracehub -n "__fish_tracehub_using_subcommand search" -s n -l limit -d 'At most this many; 0 is all' -r
complete -c tracehub -n "__fish_tracehub_using_subcommand search" -l sort -d 'What comes first' -r -f -a "start\t'The newest'
duration\t'The slowest'"
complete -c tracehub -n "__fish_tracehub_using_subcommand search" -l db -d 'Database file, or the URL of a server [env: TRACEHUB_DB]' -r -F
complete -c tracehub -n "__fish_tracehub_using_subcommand search" -l url -d 'Ask this server instead of a file [env: TRACEHUB_URL]' -r -f
complete -c tracehub -n "__fish_tracehub_using_subcommand search" -l api-key -d 'Key for the server [env: TRACEHUB_API_KEY]' -r
complete -c tracehub -n "__fish_tracehub_using_subcommand search" -l ca-cert -d 'Trust the servers whose certificates, or their authorities, are in this file [env: TRACEHUB_CA_CERT]' -r -F
complete -c tracehub -n "__fish_tracehub_using_subcommand search" -s o -l output -d 'What to print: table, json, ndjson, csv, tsv, id [default: table]' -r -f -a "table\t'For people'
json\t'One JSON document'
ndjson\t'One JSON object a line'
csv\t'Comma-separated with a header'
tsv\t'Tab-separated with a header'
id\t'Ids only'"
complete -c tracehub -n "__fish_tracehub_using_subcommand search" -l fields -d 'Print only these fields, such as `trace_id,duration_ms,tokens.input`' -r
complete -c tracehub -n "__fish_tracehub_using_subcommand search" -l color -d 'When to colour: auto, always, never' -r -f -a "auto\t'On a terminal, unless NO_COLOR and the like say otherwise'
always\t'Always'
never\t'Never'"
complete -c tracehub -n "__fish_tracehub_using_subcommand search" -l time -d 'How to write times: relative, local, utc [default: relative on a terminal, else utc]' -r -f -a "relative\t'As ages: 12s, 4m, 3h'
local\t'In the local time zone'
utc\t'In UTC'"
complete -c tracehub -n "__fish_tracehub_using_subcommand search" -l width -d 'Columns to fill [default: the terminal\'s]' -r
complete -c tracehub -n "__fish_tracehub_using_subcommand search" -l reverse -d 'Turn the order round'
complete -c tracehub -n "__fish_tracehub_using_subcommand search" -l json -d 'Print JSON, the same as `-o json`'
complete -c tracehub -n "__fish_tracehub_using_subcommand search" -s q -l quiet -d 'Print only ids, and no messages'
complete -c tracehub -n "__fish_tracehub_using_subcommand search" -s v -l verbose -d 'Say more on stderr; twice for even more'
complete -c tracehub -n "__fish_tracehub_using_subcommand search" -l ascii -d 'Draw with ASCII only'
complete -c tracehub -n "__fish_tracehub_using_subcommand search" -l no-pager -d 'Do not page long output'
complete -c tracehub -n "__fish_tracehub_using_subcommand search" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c tracehub -n "__fish_tracehub_using_subcommand stats" -l attr -d 'Only with this attribute: `k=v`, `k!=v`, `k~=regex`, `k>5`, `k`; repeat for more, all on one record' -r
complete -c tracehub -n "__fish_tracehub_using_subcommand stats" -l by -d 'What a row stands for: operation, service, source, model, or fields and attributes' -r
complete -c tracehub -n "__fish_tracehub_using_subcommand stats" -l over -d 'Divide the spans of each row into steps of time: 30s, 5m, 1h' -r
complete -c tracehub -n "__fish_tracehub_using_subcommand stats" -l sort -d 'Which rows come first [default: the largest self time, or most calls of other keys]' -r -f -a "calls\t'Most calls'
errors\t'Most failed calls'
p50\t'Slowest median'
p95\t'Slowest twentieth'
p99\t'Slowest hundredth'
max\t'The slowest call'
total\t'Most time together'"
complete -c tracehub -n "__fish_tracehub_using_subcommand stats" -s n -l limit -d 'At most this many rows; 0 is all [default: 50 of other keys]' -r
complete -c tracehub -n "__fish_tracehub_using_subcommand stats" -l since -d 'From this time on: 15m, 2h, yesterday, 2026-11-21T09:00, …' -r
complete -c tracehub -n "__fish_tracehub_using_subcommand stats" -l until -d 'Before this time' -r
complete -c tracehub -n "__fish_tracehub_using_subcommand stats" -l service -d 'Only this service' -r
complete -c tracehub -n "__fish_tracehub_using_subcommand stats" -l db -d 'Database file, or the URL of a server [env: TRACEHUB_DB]' -r -F
complete -c tracehub -n "__fish_tracehub_using_subcommand stats" -l url -d 'Ask this server instead of a file [env: TRACEHUB_URL]' -r -f
complete -c tracehub -n "__fish_tracehub_using_subcommand stats" -l api-key -d 'Key for the server [env: TRACEHUB_API_KEY]' -r
complete -c tracehub -n "__fish_tracehub_using_subcommand stats" -l ca-cert -d 'Trust the servers whose certificates, or their authorities, are in this file [env: TRACEHUB_CA_CERT]' -r -F
complete -c tracehub -n "__fish_tracehub_using_subcommand stats" -s o -l output -d 'What to print: table, json, ndjson, csv, tsv, id [default: table]' -r -f -a "table\t'For people'
json\t'One JSON document'
ndjson\t'One JSON object a line'
csv\t'Comma-separated with a header'
tsv\t'Tab-separated with a header'
id\t'Ids only'"
complete -c tracehub -n "__fish_tracehub_using_subcommand stats" -l fields -d 'Print only these fields, such as `trace_id,duration_ms,tokens.input`' -r
complete -c tracehub -n "__fish_tracehub_using_subcommand stats" -l color -d 'When to colour: auto, always, never' -r -f -a "auto\t'On a terminal, unless NO_COLOR and the like say otherwise'
always\t'Always'
never\t'Never'"
complete -c tracehub -n "__fish_tracehub_using_subcommand stats" -l time -d 'How to write times: relative, local, utc [default: relative on a terminal, else utc]' -r -f -a "relative\t'As ages: 12s, 4m, 3h'
local\t'In the local time zone'
utc\t'In UTC'"
complete -c tracehub -n "__fish_tracehub_using_subcommand stats" -l width -d 'Columns to fill [default: the terminal\'s]' -r
complete -c tracehub -n "__fish_tracehub_using_subcommand stats" -l all -d 'All rows instead of the first'
complete -c tracehub -n "__fish_tracehub_using_subcommand stats" -l json -d 'Print JSON, the same as `-o json`'
complete -c tracehub -n "__fish_tracehub_using_subcommand stats" -s q -l quiet -d 'Print only ids, and no messages'
complete -c tracehub -n "__fish_tracehub_using_subcommand stats" -s v -l verbose -d 'Say more on stderr; twice for even more'
complete -c tracehub -n "__fish_tracehub_using_subcommand stats" -l ascii -d 'Draw with ASCII only'
complete -c tracehub -n "__fish_tracehub_using_subcommand stats" -l no-pager -d 'Do not page long output'
complete -c tracehub -n "__fish_tracehub_using_subcommand stats" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c tracehub -n "__fish_tracehub_using_subcommand why" -l attr -d 'Only with this attribute: `k=v`, `k!=v`, `k~=regex`, `k>5`, `k`; repeat for more, all on one record' -r
complete -c tracehub -n "__fish_tracehub_using_subcommand why" -l against -d 'Compare with the traces that have a record of this filter, not with all others of the same root name' -r
complete -c tracehub -n "__fish_tracehub_using_subcommand why" -l since -d 'From this time on: 15m, 2h, yesterday, 2026-11-21T09:00, …' -r
complete -c tracehub -n "__fish_tracehub_using_subcommand why" -l until -d 'Before this time' -r
complete -c tracehub -n "__fish_tracehub_using_subcommand why" -s n -l limit -d 'At most this many causes; 0 is all' -r
complete -c tracehub -n "__fish_tracehub_using_subcommand why" -l db -d 'Database file, or the URL of a server [env: TRACEHUB_DB]' -r -F
complete -c tracehub -n "__fish_tracehub_using_subcommand why" -l url -d 'Ask this server instead of a file [env: TRACEHUB_URL]' -r -f
complete -c tracehub -n "__fish_tracehub_using_subcommand why" -l api-key -d 'Key for the server [env: TRACEHUB_API_KEY]' -r
complete -c tracehub -n "__fish_tracehub_using_subcommand why" -l ca-cert -d 'Trust the servers whose certificates, or their authorities, are in this file [env: TRACEHUB_CA_CERT]' -r -F
complete -c tracehub -n "__fish_tracehub_using_subcommand why" -s o -l output -d 'What to print: table, json, ndjson, csv, tsv, id [default: table]' -r -f -a "table\t'For people'
json\t'One JSON document'
ndjson\t'One JSON object a line'
csv\t'Comma-separated with a header'
tsv\t'Tab-separated with a header'
id\t'Ids only'"
complete -c tracehub -n "__fish_tracehub_using_subcommand why" -l fields -d 'Print only these fields, such as `trace_id,duration_ms,tokens.input`' -r
complete -c tracehub -n "__fish_tracehub_using_subcommand why" -l color -d 'When to colour: auto, always, never' -r -f -a "auto\t'On a terminal, unless NO_COLOR and the like say otherwise'
always\t'Always'
never\t'Never'"
complete -c tracehub -n "__fish_tracehub_using_subcommand why" -l time -d 'How to write times: relative, local, utc [default: relative on a terminal, else utc]' -r -f -a "relative\t'As ages: 12s, 4m, 3h'
local\t'In the local time zone'
utc\t'In UTC'"
complete -c tracehub -n "__fish_tracehub_using_subcommand why" -l width -d 'Columns to fill [default: the terminal\'s]' -r
complete -c tracehub -n "__fish_tracehub_using_subcommand why" -l json -d 'Print JSON, the same as `-o json`'
complete -c tracehub -n "__fish_tracehub_using_subcommand why" -s q -l quiet -d 'Print only ids, and no messages'
complete -c tracehub -n "__fish_tracehub_using_subcommand why" -s v -l verbose -d 'Say more on stderr; twice for even more'
complete -c tracehub -n "__fish_tracehub_using_subcommand why" -l ascii -d 'Draw with ASCII only'
complete -c tracehub -n "__fish_tracehub_using_subcommand why" -l no-pager -d 'Do not page long output'
complete -c tracehub -n "__fish_tracehub_using_subcommand why" -s h -l help -d 'Print help'
complete -c tracehub -n "__fish_tracehub_using_subcommand attrs" -l attr -d 'Only with this attribute: `k=v`, `k!=v`, `k~=regex`, `k>5`, `k`; repeat for more, all on one record' -r
complete -c tracehub -n "__fish_tracehub_using_subcommand attrs" -l since -d 'From this time on: 15m, 2h, yesterday, 2026-11-21T09:00, …' -r
complete -c tracehub -n "__fish_tracehub_using_subcommand attrs" -l until -d 'Before this time' -r
complete -c tracehub -n "__fish_tracehub_using_subcommand attrs" -s n -l limit -d 'At most this many; 0 is all' -r
complete -c tracehub -n "__fish_tracehub_using_subcommand attrs" -l db -d 'Database file, or the URL of a server [env: TRACEHUB_DB]' -r -F
complete -c tracehub -n "__fish_tracehub_using_subcommand attrs" -l url -d 'Ask this server instead of a file [env: TRACEHUB_URL]' -r -f
complete -c tracehub -n "__fish_tracehub_using_subcommand attrs" -l api-key -d 'Key for the server [env: TRACEHUB_API_KEY]' -r
complete -c tracehub -n "__fish_tracehub_using_subcommand attrs" -l ca-cert -d 'Trust the servers whose certificates, or their authorities, are in this file [env: TRACEHUB_CA_CERT]' -r -F
complete -c tracehub -n "__fish_tracehub_using_subcommand attrs" -s o -l output -d 'What to print: table, json, ndjson, csv, tsv, id [default: table]' -r -f -a "table\t'For people'
json\t'One JSON document'
ndjson\t'One JSON object a line'
csv\t'Comma-separated with a header'
tsv\t'Tab-separated with a header'
id\t'Ids only'"
complete -c tracehub -n "__fish_tracehub_using_subcommand attrs" -l fields -d 'Print only these fields, such as `trace_id,duration_ms,tokens.input`' -r
complete -c tracehub -n "__fish_tracehub_using_subcommand attrs" -l color -d 'When to colour: auto, always, never' -r -f -a "auto\t'On a terminal, unless NO_COLOR and the like say otherwise'
always\t'Always'
never\t'Never'"
complete -c tracehub -n "__fish_tracehub_using_subcommand attrs" -l time -d 'How to write times: relative, local, utc [default: relative on a terminal, else utc]' -r -f -a "relative\t'As ages: 12s, 4m, 3h'
local\t'In the local time zone'
utc\t'In UTC'"
complete -c tracehub -n "__fish_tracehub_using_subcommand attrs" -l width -d 'Columns to fill [default: the terminal\'s]' -r
complete -c tracehub -n "__fish_tracehub_using_subcommand attrs" -l json -d 'Print JSON, the same as `-o json`'
complete -c tracehub -n "__fish_tracehub_using_subcommand attrs" -s q -l quiet -d 'Print only ids, and no messages'
complete -c tracehub -n "__fish_tracehub_using_subcommand attrs" -s v -l verbose -d 'Say more on stderr; twice for even more'
complete -c tracehub -n "__fish_tracehub_using_subcommand attrs" -l ascii -d 'Draw with ASCII only'
complete -c tracehub -n "__fish_tracehub_using_subcommand attrs" -l no-pager -d 'Do not page long output'
complete -c tracehub -n "__fish_tracehub_using_subcommand attrs" -s h -l help -d 'Print help'
complete -c tracehub -n "__fish_tracehub_using_subcommand sql" -l since -d 'From this time on: 15m, 2h, yesterday, 2026-11-21T09:00, …' -r
complete -c tracehub -n "__fish_tracehub_using_subcommand sql" -l until -d 'Before this time' -r
complete -c tracehub -n "__fish_tracehub_using_subcommand sql" -l db -d 'Database file, or the URL of a server [env: TRACEHUB_DB]' -r -F
complete -c tracehub -n "__fish_tracehub_using_subcommand sql" -l url -d 'Ask this server instead of a file [env: TRACEHUB_URL]' -r -f
complete -c tracehub -n "__fish_tracehub_using_subcommand sql" -l api-key -d 'Key for the server [env: TRACEHUB_API_KEY]' -r
complete -c tracehub -n "__fish_tracehub_using_subcommand sql" -l ca-cert -d 'Trust the servers whose certificates, or their authorities, are in this file [env: TRACEHUB_CA_CERT]' -r -F
complete -c tracehub -n "__fish_tracehub_using_subcommand sql" -s o -l output -d 'What to print: table, json, ndjson, csv, tsv, id [default: table]' -r -f -a "table\t'For people'
json\t'One JSON document'
ndjson\t'One JSON object a line'
csv\t'Comma-separated with a header'
tsv\t'Tab-separated with a header'
id\t'Ids only'"
complete -c tracehub -n "__fish_tracehub_using_subcommand sql" -l fields -d 'Print only these fields, such as `trace_id,duration_ms,tokens.input`' -r
complete -c tracehub -n "__fish_tracehub_using_subcommand sql" -l color -d 'When to colour: auto, always, never' -r -f -a "auto\t'On a terminal, unless NO_COLOR and the like say otherwise'
always\t'Always'
never\t'Never'"
complete -c tracehub -n "__fish_tracehub_using_subcommand sql" -l time -d 'How to write times: relative, local, utc [default: relative on a terminal, else utc]' -r -f -a "relative\t'As ages: 12s, 4m, 3h'
local\t'In the local time zone'
utc\t'In UTC'"
complete -c tracehub -n "__fish_tracehub_using_subcommand sql" -l width -d 'Columns to fill [default: the terminal\'s]' -r
complete -c tracehub -n "__fish_tracehub_using_subcommand sql" -l json -d 'Print JSON, the same as `-o json`'
complete -c tracehub -n "__fish_tracehub_using_subcommand sql" -s q -l quiet -d 'Print only ids, and no messages'
complete -c tracehub -n "__fish_tracehub_using_subcommand sql" -s v -l verbose -d 'Say more on stderr; twice for even more'
complete -c tracehub -n "__fish_tracehub_using_subcommand sql" -l ascii -d 'Draw with ASCII only'
complete -c tracehub -n "__fish_tracehub_using_subcommand sql" -l no-pager -d 'Do not page long output'
complete -c tracehub -n "__fish_tracehub_using_subcommand sql" -s h -l help -d 'Print help'
complete -c tracehub -n "__fish_tracehub_using_subcommand export; and not __fish_seen_subcommand_from sqlite csv" -l db -d 'Database file, or the URL of a server [env: TRACEHUB_DB]' -r -F
complete -c tracehub -n "__fish_tracehub_using_subcommand export; and not __fish_seen_subcommand_from sqlite csv" -l url -d 'Ask this server instead of a file [env: TRACEHUB_URL]' -r -f
complete -c tracehub -n "__fish_tracehub_using_subcommand export; and not __fish_seen_subcommand_from sqlite csv" -l api-key -d 'Key for the server [env: TRACEHUB_API_KEY]' -r
complete -c tracehub -n "__fish_tracehub_using_subcommand export; and not __fish_seen_subcommand_from sqlite csv" -l ca-cert -d 'Trust the servers whose certificates, or their authorities, are in this file [env: TRACEHUB_CA_CERT]' -r -F
complete -c tracehub -n "__fish_tracehub_using_subcommand export; and not __fish_seen_subcommand_from sqlite csv" -s o -l output -d 'What to print: table, json, ndjson, csv, tsv, id [default: table]' -r -f -a "table\t'For people'
json\t'One JSON document'
ndjson\t'One JSON object a line'
csv\t'Comma-separated with a header'
tsv\t'Tab-separated with a header'
id\t'Ids only'"
complete -c tracehub -n "__fish_tracehub_using_subcommand export; and not __fish_seen_subcommand_from sqlite csv" -l fields -d 'Print only these fields, such as `trace_id,duration_ms,tokens.input`' -r
complete -c tracehub -n "__fish_tracehub_using_subcommand export; and not __fish_seen_subcommand_from sqlite csv" -l color -d 'When to colour: auto, always, never' -r -f -a "auto\t'On a terminal, unless NO_COLOR and the like say otherwise'
always\t'Always'
never\t'Never'"
complete -c tracehub -n "__fish_tracehub_using_subcommand export; and not __fish_seen_subcommand_from sqlite csv" -l time -d 'How to write times: relative, local, utc [default: relative on a terminal, else utc]' -r -f -a "relative\t'As ages: 12s, 4m, 3h'
local\t'In the local time zone'
utc\t'In UTC'"
complete -c tracehub -n "__fish_tracehub_using_subcommand export; and not __fish_seen_subcommand_from sqlite csv" -l width -d 'Columns to fill [default: the terminal\'s]' -r
complete -c tracehub -n "__fish_tracehub_using_subcommand export; and not __fish_seen_subcommand_from sqlite csv" -l json -d 'Print JSON, the same as `-o json`'
complete -c tracehub -n "__fish_tracehub_using_subcommand export; and not __fish_seen_subcommand_from sqlite csv" -s q -l quiet -d 'Print only ids, and no messages'
complete -c tracehub -n "__fish_tracehub_using_subcommand export; and not __fish_seen_subcommand_from sqlite csv" -s v -l verbose -d 'Say more on stderr; twice for even more'
complete -c tracehub -n "__fish_tracehub_using_subcommand export; and not __fish_seen_subcommand_from sqlite csv" -l ascii -d 'Draw with ASCII only'
complete -c tracehub -n "__fish_tracehub_using_subcommand export; and not __fish_seen_subcommand_from sqlite csv" -l no-pager -d 'Do not page long output'
complete -c tracehub -n "__fish_tracehub_using_subcommand export; and not __fish_seen_subcommand_from sqlite csv" -s h -l help -d 'Print help'
complete -c tracehub -n "__fish_tracehub_using_subcommand export; and not __fish_seen_subcommand_from sqlite csv" -f -a "sqlite" -d 'Write all tables into a new SQLite file'
complete -c tracehub -n "__fish_tracehub_using_subcommand export; and not __fish_seen_subcommand_from sqlite csv" -f -a "csv" -d 'Write a table to stdout, comma-separated with a header'
complete -c tracehub -n "__fish_tracehub_using_subcommand export; and __fish_seen_subcommand_from sqlite" -l since -d 'From this time on: 15m, 2h, yesterday, 2026-11-21T09:00, …' -r
complete -c tracehub -n "__fish_tracehub_using_subcommand export; and __fish_seen_subcommand_from sqlite" -l until -d 'Before this time' -r
complete -c tracehub -n "__fish_tracehub_using_subcommand export; and __fish_seen_subcommand_from sqlite" -l db -d 'Database file, or the URL of a server [env: TRACEHUB_DB]' -r -F
complete -c tracehub -n "__fish_tracehub_using_subcommand export; and __fish_seen_subcommand_from sqlite" -l url -d 'Ask this server instead of a file [env: TRACEHUB_URL]' -r -f
complete -c tracehub -n "__fish_tracehub_using_subcommand export; and __fish_seen_subcommand_from sqlite" -l api-key -d 'Key for the server [env: TRACEHUB_API_KEY]' -r
complete -c tracehub -n "__fish_tracehub_using_subcommand export; and __fish_seen_subcommand_from sqlite" -l ca-cert -d 'Trust the servers whose certificates, or their authorities, are in this file [env: TRACEHUB_CA_CERT]' -r -F
complete -c tracehub -n "__fish_tracehub_using_subcommand export; and __fish_seen_subcommand_from sqlite" -s o -l output -d 'What to print: table, json, ndjson, csv, tsv, id [default: table]' -r -f -a "table\t'For people'
json\t'One JSON document'
ndjson\t'One JSON object a line'
csv\t'Comma-separated with a header'
tsv\t'Tab-separated with a header'
id\t'Ids only'"
complete -c tracehub -n "__fish_tracehub_using_subcommand export; and __fish_seen_subcommand_from sqlite" -l fields -d 'Print only these fields, such as `trace_id,duration_ms,tokens.input`' -r
complete -c tracehub -n "__fish_tracehub_using_subcommand export; and __fish_seen_subcommand_from sqlite" -l color -d 'When to colour: auto, always, never' -r -f -a "auto\t'On a terminal, unless NO_COLOR and the like say otherwise'
always\t'Always'
never\t'Never'"
complete -c tracehub -n "__fish_tracehub_using_subcommand export; and __fish_seen_subcommand_from sqlite" -l time -d 'How to write times: relative, local, utc [default: relative on a terminal, else utc]' -r -f -a "relative\t'As ages: 12s, 4m, 3h'
local\t'In the local time zone'
utc\t'In UTC'"
complete -c tracehub -n "__fish_tracehub_using_subcommand export; and __fish_seen_subcommand_from sqlite" -l width -d 'Columns to fill [default: the terminal\'s]' -r
complete -c tracehub -n "__fish_tracehub_using_subcommand export; and __fish_seen_subcommand_from sqlite" -l json -d 'Print JSON, the same as `-o json`'
complete -c tracehub -n "__fish_tracehub_using_subcommand export; and __fish_seen_subcommand_from sqlite" -s q -l quiet -d 'Print only ids, and no messages'
complete -c tracehub -n "__fish_tracehub_using_subcommand export; and __fish_seen_subcommand_from sqlite" -s v -l verbose -d 'Say more on stderr; twice for even more'
complete -c tracehub -n "__fish_tracehub_using_subcommand export; and __fish_seen_subcommand_from sqlite" -l ascii -d 'Draw with ASCII only'
complete -c tracehub -n "__fish_tracehub_using_subcommand export; and __fish_seen_subcommand_from sqlite" -l no-pager -d 'Do not page long output'
complete -c tracehub -n "__fish_tracehub_using_subcommand export; and __fish_seen_subcommand_from sqlite" -s h -l help -d 'Print help'
complete -c tracehub -n "__fish_tracehub_using_subcommand export; and __fish_seen_subcommand_from csv" -l since -d 'From this time on: 15m, 2h, yesterday, 2026-11-21T09:00, …' -r
complete -c tracehub -n "__fish_tracehub_using_subcommand export; and __fish_seen_subcommand_from csv" -l until -d 'Before this time' -r
complete -c tracehub -n "__fish_tracehub_using_subcommand export; and __fish_seen_subcommand_from csv" -l db -d 'Database file, or the URL of a server [env: TRACEHUB_DB]' -r -F
complete -c tracehub -n "__fish_tracehub_using_subcommand export; and __fish_seen_subcommand_from csv" -l url -d 'Ask this server instead of a file [env: TRACEHUB_URL]' -r -f
complete -c tracehub -n "__fish_tracehub_using_subcommand export; and __fish_seen_subcommand_from csv" -l api-key -d 'Key for the server [env: TRACEHUB_API_KEY]' -r
complete -c tracehub -n "__fish_tracehub_using_subcommand export; and __fish_seen_subcommand_from csv" -l ca-cert -d 'Trust the servers whose certificates, or their authorities, are in this file [env: TRACEHUB_CA_CERT]' -r -F
complete -c tracehub -n "__fish_tracehub_using_subcommand export; and __fish_seen_subcommand_from csv" -s o -l output -d 'What to print: table, json, ndjson, csv, tsv, id [default: table]' -r -f -a "table\t'For people'
json\t'One JSON document'
ndjson\t'One JSON object a line'
csv\t'Comma-separated with a header'
tsv\t'Tab-separated with a header'
id\t'Ids only'"
complete -c tracehub -n "__fish_tracehub_using_subcommand export; and __fish_seen_subcommand_from csv" -l fields -d 'Print only these fields, such as `trace_id,duration_ms,tokens.input`' -r
complete -c tracehub -n "__fish_tracehub_using_subcommand export; and __fish_seen_subcommand_from csv" -l color -d 'When to colour: auto, always, never' -r -f -a "auto\t'On a terminal, unless NO_COLOR and the like say otherwise'
always\t'Always'
never\t'Never'"
complete -c tracehub -n "__fish_tracehub_using_subcommand export; and __fish_seen_subcommand_from csv" -l time -d 'How to write times: relative, local, utc [default: relative on a terminal, else utc]' -r -f -a "relative\t'As ages: 12s, 4m, 3h'
local\t'In the local time zone'
utc\t'In UTC'"
complete -c tracehub -n "__fish_tracehub_using_subcommand export; and __fish_seen_subcommand_from csv" -l width -d 'Columns to fill [default: the terminal\'s]' -r
complete -c tracehub -n "__fish_tracehub_using_subcommand export; and __fish_seen_subcommand_from csv" -l json -d 'Print JSON, the same as `-o json`'
complete -c tracehub -n "__fish_tracehub_using_subcommand export; and __fish_seen_subcommand_from csv" -s q -l quiet -d 'Print only ids, and no messages'
complete -c tracehub -n "__fish_tracehub_using_subcommand export; and __fish_seen_subcommand_from csv" -s v -l verbose -d 'Say more on stderr; twice for even more'
complete -c tracehub -n "__fish_tracehub_using_subcommand export; and __fish_seen_subcommand_from csv" -l ascii -d 'Draw with ASCII only'
complete -c tracehub -n "__fish_tracehub_using_subcommand export; and __fish_seen_subcommand_from csv" -l no-pager -d 'Do not page long output'
complete -c tracehub -n "__fish_tracehub_using_subcommand export; and __fish_seen_subcommand_from csv" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c tracehub -n "__fish_tracehub_using_subcommand query; and not __fish_seen_subcommand_from save list show delete" -l db -d 'Database file, or the URL of a server [env: TRACEHUB_DB]' -r -F
complete -c tracehub -n "__fish_tracehub_using_subcommand query; and not __fish_seen_subcommand_from save list show delete" -l url -d 'Ask this server instead of a file [env: TRACEHUB_URL]' -r -f
complete -c tracehub -n "__fish_tracehub_using_subcommand query; and not __fish_seen_subcommand_from save list show delete" -l api-key -d 'Key for the server [env: TRACEHUB_API_KEY]' -r
complete -c tracehub -n "__fish_tracehub_using_subcommand query; and not __fish_seen_subcommand_from save list show delete" -l ca-cert -d 'Trust the servers whose certificates, or their authorities, are in this file [env: TRACEHUB_CA_CERT]' -r -F
complete -c tracehub -n "__fish_tracehub_using_subcommand query; and not __fish_seen_subcommand_from save list show delete" -s o -l output -d 'What to print: table, json, ndjson, csv, tsv, id [default: table]' -r -f -a "table\t'For people'
json\t'One JSON document'
ndjson\t'One JSON object a line'
csv\t'Comma-separated with a header'
tsv\t'Tab-separated with a header'
id\t'Ids only'"
complete -c tracehub -n "__fish_tracehub_using_subcommand query; and not __fish_seen_subcommand_from save list show delete" -l fields -d 'Print only these fields, such as `trace_id,duration_ms,tokens.input`' -r
complete -c tracehub -n "__fish_tracehub_using_subcommand query; and not __fish_seen_subcommand_from save list show delete" -l color -d 'When to colour: auto, always, never' -r -f -a "auto\t'On a terminal, unless NO_COLOR and the like say otherwise'
always\t'Always'
never\t'Never'"
complete -c tracehub -n "__fish_tracehub_using_subcommand query; and not __fish_seen_subcommand_from save list show delete" -l time -d 'How to write times: relative, local, utc [default: relative on a terminal, else utc]' -r -f -a "relative\t'As ages: 12s, 4m, 3h'
local\t'In the local time zone'
utc\t'In UTC'"
complete -c tracehub -n "__fish_tracehub_using_subcommand query; and not __fish_seen_subcommand_from save list show delete" -l width -d 'Columns to fill [default: the terminal\'s]' -r
complete -c tracehub -n "__fish_tracehub_using_subcommand query; and not __fish_seen_subcommand_from save list show delete" -l json -d 'Print JSON, the same as `-o json`'
complete -c tracehub -n "__fish_tracehub_using_subcommand query; and not __fish_seen_subcommand_from save list show delete" -s q -l quiet -d 'Print only ids, and no messages'
complete -c tracehub -n "__fish_tracehub_using_subcommand query; and not __fish_seen_subcommand_from save list show delete" -s v -l verbose -d 'Say more on stderr; twice for even more'
complete -c tracehub -n "__fish_tracehub_using_subcommand query; and not __fish_seen_subcommand_from save list show delete" -l ascii -d 'Draw with ASCII only'
complete -c tracehub -n "__fish_tracehub_using_subcommand query; and not __fish_seen_subcommand_from save list show delete" -l no-pager -d 'Do not page long output'
complete -c tracehub -n "__fish_tracehub_using_subcommand query; and not __fish_seen_subcommand_from save list show delete" -s h -l help -d 'Print help'
complete -c tracehub -n "__fish_tracehub_using_subcommand query; and not __fish_seen_subcommand_from save list show delete" -f -a "save" -d 'Save a filter, in place of what had the name'
complete -c tracehub -n "__fish_tracehub_using_subcommand query; and not __fish_seen_subcommand_from save list show delete" -f -a "list" -d 'List saved filters'
complete -c tracehub -n "__fish_tracehub_using_subcommand query; and not __fish_seen_subcommand_from save list show delete" -f -a "show" -d 'Show a saved filter'
complete -c tracehub -n "__fish_tracehub_using_subcommand query; and not __fish_seen_subcommand_from save list show delete" -f -a "delete" -d 'Delete a saved filter'
complete -c tracehub -n "__fish_tracehub_using_subcommand query; and __fish_seen_subcommand_from save" -l db -d 'Database file, or the URL of a server [env: TRACEHUB_DB]' -r -F
complete -c tracehub -n "__fish_tracehub_using_subcommand query; and __fish_seen_subcommand_from save" -l url -d 'Ask this server instead of a file [env: TRACEHUB_URL]' -r -f
complete -c tracehub -n "__fish_tracehub_using_subcommand query; and __fish_seen_subcommand_from save" -l api-key -d 'Key for the server [env: TRACEHUB_API_KEY]' -r
complete -c tracehub -n "__fish_tracehub_using_subcommand query; and __fish_seen_subcommand_from save" -l ca-cert -d 'Trust the servers whose certificates, or their authorities, are in this file [env: TRACEHUB_CA_CERT]' -r -F
complete -c tracehub -n "__fish_tracehub_using_subcommand query; and __fish_seen_subcommand_from save" -s o -l output -d 'What to print: table, json, ndjson, csv, tsv, id [default: table]' -r -f -a "table\t'For people'
json\t'One JSON document'
ndjson\t'One JSON object a line'
csv\t'Comma-separated with a header'
tsv\t'Tab-separated with a header'
id\t'Ids only'"
complete -c tracehub -n "__fish_tracehub_using_subcommand query; and __fish_seen_subcommand_from save" -l fields -d 'Print only these fields, such as `trace_id,duration_ms,tokens.input`' -r
complete -c tracehub -n "__fish_tracehub_using_subcommand query; and __fish_seen_subcommand_from save" -l color -d 'When to colour: auto, always, never' -r -f -a "auto\t'On a terminal, unless NO_COLOR and the like say otherwise'
always\t'Always'
never\t'Never'"
complete -c tracehub -n "__fish_tracehub_using_subcommand query; and __fish_seen_subcommand_from save" -l time -d 'How to write times: relative, local, utc [default: relative on a terminal, else utc]' -r -f -a "relative\t'As ages: 12s, 4m, 3h'
local\t'In the local time zone'
utc\t'In UTC'"
complete -c tracehub -n "__fish_tracehub_using_subcommand query; and __fish_seen_subcommand_from save" -l width -d 'Columns to fill [default: the terminal\'s]' -r
complete -c tracehub -n "__fish_tracehub_using_subcommand query; and __fish_seen_subcommand_from save" -l json -d 'Print JSON, the same as `-o json`'
complete -c tracehub -n "__fish_tracehub_using_subcommand query; and __fish_seen_subcommand_from save" -s q -l quiet -d 'Print only ids, and no messages'
complete -c tracehub -n "__fish_tracehub_using_subcommand query; and __fish_seen_subcommand_from save" -s v -l verbose -d 'Say more on stderr; twice for even more'
complete -c tracehub -n "__fish_tracehub_using_subcommand query; and __fish_seen_subcommand_from save" -l ascii -d 'Draw with ASCII only'
complete -c tracehub -n "__fish_tracehub_using_subcommand query; and __fish_seen_subcommand_from save" -l no-pager -d 'Do not page long output'
complete -c tracehub -n "__fish_tracehub_using_subcommand query; and __fish_seen_subcommand_from save" -s h -l help -d 'Print help'
complete -c tracehub -n "__fish_tracehub_using_subcommand query; and __fish_seen_subcommand_from list" -l db -d 'Database file, or the URL of a server [env: TRACEHUB_DB]' -r -F
complete -c tracehub -n "__fish_tracehub_using_subcommand query; and __fish_seen_subcommand_from list" -l url -d 'Ask this server instead of a file [env: TRACEHUB_URL]' -r -f
complete -c tracehub -n "__fish_tracehub_using_subcommand query; and __fish_seen_subcommand_from list" -l api-key -d 'Key for the server [env: TRACEHUB_API_KEY]' -r
complete -c tracehub -n "__fish_tracehub_using_subcommand query; and __fish_seen_subcommand_from list" -l ca-cert -d 'Trust the servers whose certificates, or their authorities, are in this file [env: TRACEHUB_CA_CERT]' -r -F
complete -c tracehub -n "__fish_tracehub_using_subcommand query; and __fish_seen_subcommand_from list" -s o -l output -d 'What to print: table, json, ndjson, csv, tsv, id [default: table]' -r -f -a "table\t'For people'
json\t'One JSON document'
ndjson\t'One JSON object a line'
csv\t'Comma-separated with a header'
tsv\t'Tab-separated with a header'
id\t'Ids only'"
complete -c tracehub -n "__fish_tracehub_using_subcommand query; and __fish_seen_subcommand_from list" -l fields -d 'Print only these fields, such as `trace_id,duration_ms,tokens.input`' -r
complete -c tracehub -n "__fish_tracehub_using_subcommand query; and __fish_seen_subcommand_from list" -l color -d 'When to colour: auto, always, never' -r -f -a "auto\t'On a terminal, unless NO_COLOR and the like say otherwise'
always\t'Always'
never\t'Never'"
complete -c tracehub -n "__fish_tracehub_using_subcommand query; and __fish_seen_subcommand_from list" -l time -d 'How to write times: relative, local, utc [default: relative on a terminal, else utc]' -r -f -a "relative\t'As ages: 12s, 4m, 3h'
local\t'In the local time zone'
utc\t'In UTC'"
complete -c tracehub -n "__fish_tracehub_using_subcommand query; and __fish_seen_subcommand_from list" -l width -d 'Columns to fill [default: the terminal\'s]' -r
complete -c tracehub -n "__fish_tracehub_using_subcommand query; and __fish_seen_subcommand_from list" -l json -d 'Print JSON, the same as `-o json`'
complete -c tracehub -n "__fish_tracehub_using_subcommand query; and __fish_seen_subcommand_from list" -s q -l quiet -d 'Print only ids, and no messages'
complete -c tracehub -n "__fish_tracehub_using_subcommand query; and __fish_seen_subcommand_from list" -s v -l verbose -d 'Say more on stderr; twice for even more'
complete -c tracehub -n "__fish_tracehub_using_subcommand query; and __fish_seen_subcommand_from list" -l ascii -d 'Draw with ASCII only'
complete -c tracehub -n "__fish_tracehub_using_subcommand query; and __fish_seen_subcommand_from list" -l no-pager -d 'Do not page long output'
complete -c tracehub -n "__fish_tracehub_using_subcommand query; and __fish_seen_subcommand_from list" -s h -l help -d 'Print help'
complete -c tracehub -n "__fish_tracehub_using_subcommand query; and __fish_seen_subcommand_from show" -l db -d 'Database file, or the URL of a server [env: TRACEHUB_DB]' -r -F
complete -c tracehub -n "__fish_tracehub_using_subcommand query; and __fish_seen_subcommand_from show" -l url -d 'Ask this server instead of a file [env: TRACEHUB_URL]' -r -f
complete -c tracehub -n "__fish_tracehub_using_subcommand query; and __fish_seen_subcommand_from show" -l api-key -d 'Key for the server [env: TRACEHUB_API_KEY]' -r
complete -c tracehub -n "__fish_tracehub_using_subcommand query; and __fish_seen_subcommand_from show" -l ca-cert -d 'Trust the servers whose certificates, or their authorities, are in this file [env: TRACEHUB_CA_CERT]' -r -F
complete -c tracehub -n "__fish_tracehub_using_subcommand query; and __fish_seen_subcommand_from show" -s o -l output -d 'What to print: table, json, ndjson, csv, tsv, id [default: table]' -r -f -a "table\t'For people'
json\t'One JSON document'
ndjson\t'One JSON object a line'
csv\t'Comma-separated with a header'
tsv\t'Tab-separated with a header'
id\t'Ids only'"
complete -c tracehub -n "__fish_tracehub_using_subcommand query; and __fish_seen_subcommand_from show" -l fields -d 'Print only these fields, such as `trace_id,duration_ms,tokens.input`' -r
complete -c tracehub -n "__fish_tracehub_using_subcommand query; and __fish_seen_subcommand_from show" -l color -d 'When to colour: auto, always, never' -r -f -a "auto\t'On a terminal, unless NO_COLOR and the like say otherwise'
always\t'Always'
never\t'Never'"
complete -c tracehub -n "__fish_tracehub_using_subcommand query; and __fish_seen_subcommand_from show" -l time -d 'How to write times: relative, local, utc [default: relative on a terminal, else utc]' -r -f -a "relative\t'As ages: 12s, 4m, 3h'
local\t'In the local time zone'
utc\t'In UTC'"
complete -c tracehub -n "__fish_tracehub_using_subcommand query; and __fish_seen_subcommand_from show" -l width -d 'Columns to fill [default: the terminal\'s]' -r
complete -c tracehub -n "__fish_tracehub_using_subcommand query; and __fish_seen_subcommand_from show" -l json -d 'Print JSON, the same as `-o json`'
complete -c tracehub -n "__fish_tracehub_using_subcommand query; and __fish_seen_subcommand_from show" -s q -l quiet -d 'Print only ids, and no messages'
complete -c tracehub -n "__fish_tracehub_using_subcommand query; and __fish_seen_subcommand_from show" -s v -l verbose -d 'Say more on stderr; twice for even more'
complete -c tracehub -n "__fish_tracehub_using_subcommand query; and __fish_seen_subcommand_from show" -l ascii -d 'Draw with ASCII only'
complete -c tracehub -n "__fish_tracehub_using_subcommand query; and __fish_seen_subcommand_from show" -l no-pager -d 'Do not page long output'
complete -c tracehub -n "__fish_tracehub_using_subcommand query; and __fish_seen_subcommand_from show" -s h -l help -d 'Print help'
complete -c tracehub -n "__fish_tracehub_using_subcommand query; and __fish_seen_subcommand_from delete" -l db -d 'Database file, or the URL of a server [env: TRACEHUB_DB]' -r -F
complete -c tracehub -n "__fish_tracehub_using_subcommand query; and __fish_seen_subcommand_from delete" -l url -d 'Ask this server instead of a file [env: TRACEHUB_URL]' -r -f
complete -c tracehub -n "__fish_tracehub_using_subcommand query; and __fish_seen_subcommand_from delete" -l api-key -d 'Key for the server [env: TRACEHUB_API_KEY]' -r
complete -c tracehub -n "__fish_tracehub_using_subcommand query; and __fish_seen_subcommand_from delete" -l ca-cert -d 'Trust the servers whose certificates, or their authorities, are in this file [env: TRACEHUB_CA_CERT]' -r -F
complete -c tracehub -n "__fish_tracehub_using_subcommand query; and __fish_seen_subcommand_from delete" -s o -l output -d 'What to print: table, json, ndjson, csv, tsv, id [default: table]' -r -f -a "table\t'For people'
json\t'One JSON document'
ndjson\t'One JSON object a line'
csv\t'Comma-separated with a header'
tsv\t'Tab-separated with a header'
id\t'Ids only'"
complete -c tracehub -n "__fish_tracehub_using_subcommand query; and __fish_seen_subcommand_from delete" -l fields -d 'Print only these fields, such as `trace_id,duration_ms,tokens.input`' -r
complete -c tracehub -n "__fish_tracehub_using_subcommand query; and __fish_seen_subcommand_from delete" -l color -d 'When to colour: auto, always, never' -r -f -a "auto\t'On a terminal, unless NO_COLOR and the like say otherwise'
always\t'Always'
never\t'Never'"
complete -c tracehub -n "__fish_tracehub_using_subcommand query; and __fish_seen_subcommand_from delete" -l time -d 'How to write times: relative, local, utc [default: relative on a terminal, else utc]' -r -f -a "relative\t'As ages: 12s, 4m, 3h'
local\t'In the local time zone'
utc\t'In UTC'"
complete -c tracehub -n "__fish_tracehub_using_subcommand query; and __fish_seen_subcommand_from delete" -l width -d 'Columns to fill [default: the terminal\'s]' -r
complete -c tracehub -n "__fish_tracehub_using_subcommand query; and __fish_seen_subcommand_from delete" -l json -d 'Print JSON, the same as `-o json`'
complete -c tracehub -n "__fish_tracehub_using_subcommand query; and __fish_seen_subcommand_from delete" -s q -l quiet -d 'Print only ids, and no messages'
complete -c tracehub -n "__fish_tracehub_using_subcommand query; and __fish_seen_subcommand_from delete" -s v -l verbose -d 'Say more on stderr; twice for even more'
complete -c tracehub -n "__fish_tracehub_using_subcommand query; and __fish_seen_subcommand_from delete" -l ascii -d 'Draw with ASCII only'
complete -c tracehub -n "__fish_tracehub_using_subcommand query; and __fish_seen_subcommand_from delete" -l no-pager -d 'Do not page long output'
complete -c tracehub -n "__fish_tracehub_using_subcommand query; and __fish_seen_subcommand_from delete" -s h -l help -d 'Print help'
complete -c tracehub -n "__fish_tracehub_using_subcommand logs" -l attr -d 'Only with this attribute: `k=v`, `k!=v`, `k~=regex`, `k>5`, `k`; repeat for more, all on one record' -r
complete -c tracehub -n "__fish_tracehub_using_subcommand logs" -s l -l level -d 'Only records at least this bad: trace, debug, info, warn, error, fatal, or the first letter' -r -f -a "trace\t'Everything'
debug\t'For developers'
info\t'Normal operation'
warn\t'Something to look at'
error\t'Something failed'
fatal\t'The program cannot go on'"
complete -c tracehub -n "__fish_tracehub_using_subcommand logs" -l service -d 'Only this service' -r
complete -c tracehub -n "__fish_tracehub_using_subcommand logs" -l module -d 'Only this module' -r
complete -c tracehub -n "__fish_tracehub_using_subcommand logs" -l env -d 'Only this environment' -r
complete -c tracehub -n "__fish_tracehub_using_subcommand logs" -l project -d 'Only this project' -r
complete -c tracehub -n "__fish_tracehub_using_subcommand logs" -l trace -d 'Only this trace: full id, unique prefix of at least 4 characters, `latest`, or `latest~2`' -r
complete -c tracehub -n "__fish_tracehub_using_subcommand logs" -l issue -d 'Only this issue: full id, or unique prefix of at least 4 characters' -r
complete -c tracehub -n "__fish_tracehub_using_subcommand logs" -l extra -d 'Only records with this field: `k=v`, `k!=v`, `k~=part`; repeat for more' -r
complete -c tracehub -n "__fish_tracehub_using_subcommand logs" -l since -d 'From this time on: 15m, 2h, yesterday, 2026-11-21T09:00, …' -r
complete -c tracehub -n "__fish_tracehub_using_subcommand logs" -l until -d 'Before this time' -r
complete -c tracehub -n "__fish_tracehub_using_subcommand logs" -s n -l limit -d 'At most this many, the newest; 0 is all' -r
complete -c tracehub -n "__fish_tracehub_using_subcommand logs" -s A -l after-context -d 'So many records after each one, too' -r
complete -c tracehub -n "__fish_tracehub_using_subcommand logs" -s B -l before-context -d 'So many records before each one, too' -r
complete -c tracehub -n "__fish_tracehub_using_subcommand logs" -s C -l context -d 'So many records before and after each one, too' -r
complete -c tracehub -n "__fish_tracehub_using_subcommand logs" -l db -d 'Database file, or the URL of a server [env: TRACEHUB_DB]' -r -F
complete -c tracehub -n "__fish_tracehub_using_subcommand logs" -l url -d 'Ask this server instead of a file [env: TRACEHUB_URL]' -r -f
complete -c tracehub -n "__fish_tracehub_using_subcommand logs" -l api-key -d 'Key for the server [env: TRACEHUB_API_KEY]' -r
complete -c tracehub -n "__fish_tracehub_using_subcommand logs" -l ca-cert -d 'Trust the servers whose certificates, or their authorities, are in this file [env: TRACEHUB_CA_CERT]' -r -F
complete -c tracehub -n "__fish_tracehub_using_subcommand logs" -s o -l output -d 'What to print: table, json, ndjson, csv, tsv, id [default: table]' -r -f -a "table\t'For people'
json\t'One JSON document'
ndjson\t'One JSON object a line'
csv\t'Comma-separated with a header'
tsv\t'Tab-separated with a header'
id\t'Ids only'"
complete -c tracehub -n "__fish_tracehub_using_subcommand logs" -l fields -d 'Print only these fields, such as `trace_id,duration_ms,tokens.input`' -r
complete -c tracehub -n "__fish_tracehub_using_subcommand logs" -l color -d 'When to colour: auto, always, never' -r -f -a "auto\t'On a terminal, unless NO_COLOR and the like say otherwise'
always\t'Always'
never\t'Never'"
complete -c tracehub -n "__fish_tracehub_using_subcommand logs" -l time -d 'How to write times: relative, local, utc [default: relative on a terminal, else utc]' -r -f -a "relative\t'As ages: 12s, 4m, 3h'
local\t'In the local time zone'
utc\t'In UTC'"
complete -c tracehub -n "__fish_tracehub_using_subcommand logs" -l width -d 'Columns to fill [default: the terminal\'s]' -r
complete -c tracehub -n "__fish_tracehub_using_subcommand logs" -s F -l follow -d 'Go on with what arrives'
complete -c tracehub -n "__fish_tracehub_using_subcommand logs" -l reverse -d 'The newest first'
complete -c tracehub -n "__fish_tracehub_using_subcommand logs" -l json -d 'Print JSON, the same as `-o json`'
complete -c tracehub -n "__fish_tracehub_using_subcommand logs" -s q -l quiet -d 'Print only ids, and no messages'
complete -c tracehub -n "__fish_tracehub_using_subcommand logs" -s v -l verbose -d 'Say more on stderr; twice for even more'
complete -c tracehub -n "__fish_tracehub_using_subcommand logs" -l ascii -d 'Draw with ASCII only'
complete -c tracehub -n "__fish_tracehub_using_subcommand logs" -l no-pager -d 'Do not page long output'
complete -c tracehub -n "__fish_tracehub_using_subcommand logs" -s h -l help -d 'Print help'
complete -c tracehub -n "__fish_tracehub_using_subcommand issues; and not __fish_seen_subcommand_from list show resolve reopen ignore" -l status -d 'Only issues of this status [default: open]' -r -f -a "open\t'Nothing decided, or it came back'
resolved\t'Mended'
ignored\t'May happen'
all\t'Every status'"
complete -c tracehub -n "__fish_tracehub_using_subcommand issues; and not __fish_seen_subcommand_from list show resolve reopen ignore" -l service -d 'Only issues of this service' -r
complete -c tracehub -n "__fish_tracehub_using_subcommand issues; and not __fish_seen_subcommand_from list show resolve reopen ignore" -l env -d 'Only issues seen in this environment' -r
complete -c tracehub -n "__fish_tracehub_using_subcommand issues; and not __fish_seen_subcommand_from list show resolve reopen ignore" -l project -d 'Only issues of this project' -r
complete -c tracehub -n "__fish_tracehub_using_subcommand issues; and not __fish_seen_subcommand_from list show resolve reopen ignore" -l since -d 'From this time on: 15m, 2h, yesterday, 2026-11-21T09:00, …' -r
complete -c tracehub -n "__fish_tracehub_using_subcommand issues; and not __fish_seen_subcommand_from list show resolve reopen ignore" -l until -d 'Before this time' -r
complete -c tracehub -n "__fish_tracehub_using_subcommand issues; and not __fish_seen_subcommand_from list show resolve reopen ignore" -l sort -d 'What comes first [default: last-seen]' -r -f -a "last-seen\t'What was seen last'
first-seen\t'What is newest'
count\t'What happened most'"
complete -c tracehub -n "__fish_tracehub_using_subcommand issues; and not __fish_seen_subcommand_from list show resolve reopen ignore" -s n -l limit -d 'At most this many; 0 is all [default: 20]' -r
complete -c tracehub -n "__fish_tracehub_using_subcommand issues; and not __fish_seen_subcommand_from list show resolve reopen ignore" -l cursor -d 'Go on after this place; stderr then names the next one. Empty is the beginning' -r
complete -c tracehub -n "__fish_tracehub_using_subcommand issues; and not __fish_seen_subcommand_from list show resolve reopen ignore" -l db -d 'Database file, or the URL of a server [env: TRACEHUB_DB]' -r -F
complete -c tracehub -n "__fish_tracehub_using_subcommand issues; and not __fish_seen_subcommand_from list show resolve reopen ignore" -l url -d 'Ask this server instead of a file [env: TRACEHUB_URL]' -r -f
complete -c tracehub -n "__fish_tracehub_using_subcommand issues; and not __fish_seen_subcommand_from list show resolve reopen ignore" -l api-key -d 'Key for the server [env: TRACEHUB_API_KEY]' -r
complete -c tracehub -n "__fish_tracehub_using_subcommand issues; and not __fish_seen_subcommand_from list show resolve reopen ignore" -l ca-cert -d 'Trust the servers whose certificates, or their authorities, are in this file [env: TRACEHUB_CA_CERT]' -r -F
complete -c tracehub -n "__fish_tracehub_using_subcommand issues; and not __fish_seen_subcommand_from list show resolve reopen ignore" -s o -l output -d 'What to print: table, json, ndjson, csv, tsv, id [default: table]' -r -f -a "table\t'For people'
json\t'One JSON document'
ndjson\t'One JSON object a line'
csv\t'Comma-separated with a header'
tsv\t'Tab-separated with a header'
id\t'Ids only'"
complete -c tracehub -n "__fish_tracehub_using_subcommand issues; and not __fish_seen_subcommand_from list show resolve reopen ignore" -l fields -d 'Print only these fields, such as `trace_id,duration_ms,tokens.input`' -r
complete -c tracehub -n "__fish_tracehub_using_subcommand issues; and not __fish_seen_subcommand_from list show resolve reopen ignore" -l color -d 'When to colour: auto, always, never' -r -f -a "auto\t'On a terminal, unless NO_COLOR and the like say otherwise'
always\t'Always'
never\t'Never'"
complete -c tracehub -n "__fish_tracehub_using_subcommand issues; and not __fish_seen_subcommand_from list show resolve reopen ignore" -l time -d 'How to write times: relative, local, utc [default: relative on a terminal, else utc]' -r -f -a "relative\t'As ages: 12s, 4m, 3h'
local\t'In the local time zone'
utc\t'In UTC'"
complete -c tracehub -n "__fish_tracehub_using_subcommand issues; and not __fish_seen_subcommand_from list show resolve reopen ignore" -l width -d 'Columns to fill [default: the terminal\'s]' -r
complete -c tracehub -n "__fish_tracehub_using_subcommand issues; and not __fish_seen_subcommand_from list show resolve reopen ignore" -l all -d 'Issues of every status'
complete -c tracehub -n "__fish_tracehub_using_subcommand issues; and not __fish_seen_subcommand_from list show resolve reopen ignore" -l reverse -d 'Turn the order round'
complete -c tracehub -n "__fish_tracehub_using_subcommand issues; and not __fish_seen_subcommand_from list show resolve reopen ignore" -l json -d 'Print JSON, the same as `-o json`'
complete -c tracehub -n "__fish_tracehub_using_subcommand issues; and not __fish_seen_subcommand_from list show resolve reopen ignore" -s q -l quiet -d 'Print only ids, and no messages'
complete -c tracehub -n "__fish_tracehub_using_subcommand issues; and not __fish_seen_subcommand_from list show resolve reopen ignore" -s v -l verbose -d 'Say more on stderr; twice for even more'
complete -c tracehub -n "__fish_tracehub_using_subcommand issues; and not __fish_seen_subcommand_from list show resolve reopen ignore" -l ascii -d 'Draw with ASCII only'
complete -c tracehub -n "__fish_tracehub_using_subcommand issues; and not __fish_seen_subcommand_from list show resolve reopen ignore" -l no-pager -d 'Do not page long output'
complete -c tracehub -n "__fish_tracehub_using_subcommand issues; and not __fish_seen_subcommand_from list show resolve reopen ignore" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c tracehub -n "__fish_tracehub_using_subcommand issues; and not __fish_seen_subcommand_from list show resolve reopen ignore" -f -a "list" -d 'List issues; the same as `tracehub issues`'
complete -c tracehub -n "__fish_tracehub_using_subcommand issues; and not __fish_seen_subcommand_from list show resolve reopen ignore" -f -a "show" -d 'Show one issue: its stack, traces to look at, and what became of it'
complete -c tracehub -n "__fish_tracehub_using_subcommand issues; and not __fish_seen_subcommand_from list show resolve reopen ignore" -f -a "resolve" -d 'Mark issues as mended; an event later than that opens them again'
complete -c tracehub -n "__fish_tracehub_using_subcommand issues; and not __fish_seen_subcommand_from list show resolve reopen ignore" -f -a "reopen" -d 'Mark issues as open again'
complete -c tracehub -n "__fish_tracehub_using_subcommand issues; and not __fish_seen_subcommand_from list show resolve reopen ignore" -f -a "ignore" -d 'Mark issues as nothing to care about; their events go on counting'
complete -c tracehub -n "__fish_tracehub_using_subcommand issues; and __fish_seen_subcommand_from list" -l status -d 'Only issues of this status [default: open]' -r -f -a "open\t'Nothing decided, or it came back'
resolved\t'Mended'
ignored\t'May happen'
all\t'Every status'"
complete -c tracehub -n "__fish_tracehub_using_subcommand issues; and __fish_seen_subcommand_from list" -l service -d 'Only issues of this service' -r
complete -c tracehub -n "__fish_tracehub_using_subcommand issues; and __fish_seen_subcommand_from list" -l env -d 'Only issues seen in this environment' -r
complete -c tracehub -n "__fish_tracehub_using_subcommand issues; and __fish_seen_subcommand_from list" -l project -d 'Only issues of this project' -r
complete -c tracehub -n "__fish_tracehub_using_subcommand issues; and __fish_seen_subcommand_from list" -l since -d 'From this time on: 15m, 2h, yesterday, 2026-11-21T09:00, …' -r
complete -c tracehub -n "__fish_tracehub_using_subcommand issues; and __fish_seen_subcommand_from list" -l until -d 'Before this time' -r
complete -c tracehub -n "__fish_tracehub_using_subcommand issues; and __fish_seen_subcommand_from list" -l sort -d 'What comes first [default: last-seen]' -r -f -a "last-seen\t'What was seen last'
first-seen\t'What is newest'
count\t'What happened most'"
complete -c tracehub -n "__fish_tracehub_using_subcommand issues; and __fish_seen_subcommand_from list" -s n -l limit -d 'At most this many; 0 is all [default: 20]' -r
complete -c tracehub -n "__fish_tracehub_using_subcommand issues; and __fish_seen_subcommand_from list" -l cursor -d 'Go on after this place; stderr then names the next one. Empty is the beginning' -r
complete -c tracehub -n "__fish_tracehub_using_subcommand issues; and __fish_seen_subcommand_from list" -l db -d 'Database file, or the URL of a server [env: TRACEHUB_DB]' -r -F
complete -c tracehub -n "__fish_tracehub_using_subcommand issues; and __fish_seen_subcommand_from list" -l url -d 'Ask this server instead of a file [env: TRACEHUB_URL]' -r -f
complete -c tracehub -n "__fish_tracehub_using_subcommand issues; and __fish_seen_subcommand_from list" -l api-key -d 'Key for the server [env: TRACEHUB_API_KEY]' -r
complete -c tracehub -n "__fish_tracehub_using_subcommand issues; and __fish_seen_subcommand_from list" -l ca-cert -d 'Trust the servers whose certificates, or their authorities, are in this file [env: TRACEHUB_CA_CERT]' -r -F
complete -c tracehub -n "__fish_tracehub_using_subcommand issues; and __fish_seen_subcommand_from list" -s o -l output -d 'What to print: table, json, ndjson, csv, tsv, id [default: table]' -r -f -a "table\t'For people'
json\t'One JSON document'
ndjson\t'One JSON object a line'
csv\t'Comma-separated with a header'
tsv\t'Tab-separated with a header'
id\t'Ids only'"
complete -c tracehub -n "__fish_tracehub_using_subcommand issues; and __fish_seen_subcommand_from list" -l fields -d 'Print only these fields, such as `trace_id,duration_ms,tokens.input`' -r
complete -c tracehub -n "__fish_tracehub_using_subcommand issues; and __fish_seen_subcommand_from list" -l color -d 'When to colour: auto, always, never' -r -f -a "auto\t'On a terminal, unless NO_COLOR and the like say otherwise'
always\t'Always'
never\t'Never'"
complete -c tracehub -n "__fish_tracehub_using_subcommand issues; and __fish_seen_subcommand_from list" -l time -d 'How to write times: relative, local, utc [default: relative on a terminal, else utc]' -r -f -a "relative\t'As ages: 12s, 4m, 3h'
local\t'In the local time zone'
utc\t'In UTC'"
complete -c tracehub -n "__fish_tracehub_using_subcommand issues; and __fish_seen_subcommand_from list" -l width -d 'Columns to fill [default: the terminal\'s]' -r
complete -c tracehub -n "__fish_tracehub_using_subcommand issues; and __fish_seen_subcommand_from list" -l all -d 'Issues of every status'
complete -c tracehub -n "__fish_tracehub_using_subcommand issues; and __fish_seen_subcommand_from list" -l reverse -d 'Turn the order round'
complete -c tracehub -n "__fish_tracehub_using_subcommand issues; and __fish_seen_subcommand_from list" -l json -d 'Print JSON, the same as `-o json`'
complete -c tracehub -n "__fish_tracehub_using_subcommand issues; and __fish_seen_subcommand_from list" -s q -l quiet -d 'Print only ids, and no messages'
complete -c tracehub -n "__fish_tracehub_using_subcommand issues; and __fish_seen_subcommand_from list" -s v -l verbose -d 'Say more on stderr; twice for even more'
complete -c tracehub -n "__fish_tracehub_using_subcommand issues; and __fish_seen_subcommand_from list" -l ascii -d 'Draw with ASCII only'
complete -c tracehub -n "__fish_tracehub_using_subcommand issues; and __fish_seen_subcommand_from list" -l no-pager -d 'Do not page long output'
complete -c tracehub -n "__fish_tracehub_using_subcommand issues; and __fish_seen_subcommand_from list" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c tracehub -n "__fish_tracehub_using_subcommand issues; and __fish_seen_subcommand_from show" -l db -d 'Database file, or the URL of a server [env: TRACEHUB_DB]' -r -F
complete -c tracehub -n "__fish_tracehub_using_subcommand issues; and __fish_seen_subcommand_from show" -l url -d 'Ask this server instead of a file [env: TRACEHUB_URL]' -r -f
complete -c tracehub -n "__fish_tracehub_using_subcommand issues; and __fish_seen_subcommand_from show" -l api-key -d 'Key for the server [env: TRACEHUB_API_KEY]' -r
complete -c tracehub -n "__fish_tracehub_using_subcommand issues; and __fish_seen_subcommand_from show" -l ca-cert -d 'Trust the servers whose certificates, or their authorities, are in this file [env: TRACEHUB_CA_CERT]' -r -F
complete -c tracehub -n "__fish_tracehub_using_subcommand issues; and __fish_seen_subcommand_from show" -s o -l output -d 'What to print: table, json, ndjson, csv, tsv, id [default: table]' -r -f -a "table\t'For people'
json\t'One JSON document'
ndjson\t'One JSON object a line'
csv\t'Comma-separated with a header'
tsv\t'Tab-separated with a header'
id\t'Ids only'"
complete -c tracehub -n "__fish_tracehub_using_subcommand issues; and __fish_seen_subcommand_from show" -l fields -d 'Print only these fields, such as `trace_id,duration_ms,tokens.input`' -r
complete -c tracehub -n "__fish_tracehub_using_subcommand issues; and __fish_seen_subcommand_from show" -l color -d 'When to colour: auto, always, never' -r -f -a "auto\t'On a terminal, unless NO_COLOR and the like say otherwise'
always\t'Always'
never\t'Never'"
complete -c tracehub -n "__fish_tracehub_using_subcommand issues; and __fish_seen_subcommand_from show" -l time -d 'How to write times: relative, local, utc [default: relative on a terminal, else utc]' -r -f -a "relative\t'As ages: 12s, 4m, 3h'
local\t'In the local time zone'
utc\t'In UTC'"
complete -c tracehub -n "__fish_tracehub_using_subcommand issues; and __fish_seen_subcommand_from show" -l width -d 'Columns to fill [default: the terminal\'s]' -r
complete -c tracehub -n "__fish_tracehub_using_subcommand issues; and __fish_seen_subcommand_from show" -l why -d 'Say what makes events the same issue'
complete -c tracehub -n "__fish_tracehub_using_subcommand issues; and __fish_seen_subcommand_from show" -l json -d 'Print JSON, the same as `-o json`'
complete -c tracehub -n "__fish_tracehub_using_subcommand issues; and __fish_seen_subcommand_from show" -s q -l quiet -d 'Print only ids, and no messages'
complete -c tracehub -n "__fish_tracehub_using_subcommand issues; and __fish_seen_subcommand_from show" -s v -l verbose -d 'Say more on stderr; twice for even more'
complete -c tracehub -n "__fish_tracehub_using_subcommand issues; and __fish_seen_subcommand_from show" -l ascii -d 'Draw with ASCII only'
complete -c tracehub -n "__fish_tracehub_using_subcommand issues; and __fish_seen_subcommand_from show" -l no-pager -d 'Do not page long output'
complete -c tracehub -n "__fish_tracehub_using_subcommand issues; and __fish_seen_subcommand_from show" -s h -l help -d 'Print help'
complete -c tracehub -n "__fish_tracehub_using_subcommand issues; and __fish_seen_subcommand_from resolve" -l db -d 'Database file, or the URL of a server [env: TRACEHUB_DB]' -r -F
complete -c tracehub -n "__fish_tracehub_using_subcommand issues; and __fish_seen_subcommand_from resolve" -l url -d 'Ask this server instead of a file [env: TRACEHUB_URL]' -r -f
complete -c tracehub -n "__fish_tracehub_using_subcommand issues; and __fish_seen_subcommand_from resolve" -l api-key -d 'Key for the server [env: TRACEHUB_API_KEY]' -r
complete -c tracehub -n "__fish_tracehub_using_subcommand issues; and __fish_seen_subcommand_from resolve" -l ca-cert -d 'Trust the servers whose certificates, or their authorities, are in this file [env: TRACEHUB_CA_CERT]' -r -F
complete -c tracehub -n "__fish_tracehub_using_subcommand issues; and __fish_seen_subcommand_from resolve" -s o -l output -d 'What to print: table, json, ndjson, csv, tsv, id [default: table]' -r -f -a "table\t'For people'
json\t'One JSON document'
ndjson\t'One JSON object a line'
csv\t'Comma-separated with a header'
tsv\t'Tab-separated with a header'
id\t'Ids only'"
complete -c tracehub -n "__fish_tracehub_using_subcommand issues; and __fish_seen_subcommand_from resolve" -l fields -d 'Print only these fields, such as `trace_id,duration_ms,tokens.input`' -r
complete -c tracehub -n "__fish_tracehub_using_subcommand issues; and __fish_seen_subcommand_from resolve" -l color -d 'When to colour: auto, always, never' -r -f -a "auto\t'On a terminal, unless NO_COLOR and the like say otherwise'
always\t'Always'
never\t'Never'"
complete -c tracehub -n "__fish_tracehub_using_subcommand issues; and __fish_seen_subcommand_from resolve" -l time -d 'How to write times: relative, local, utc [default: relative on a terminal, else utc]' -r -f -a "relative\t'As ages: 12s, 4m, 3h'
local\t'In the local time zone'
utc\t'In UTC'"
complete -c tracehub -n "__fish_tracehub_using_subcommand issues; and __fish_seen_subcommand_from resolve" -l width -d 'Columns to fill [default: the terminal\'s]' -r
complete -c tracehub -n "__fish_tracehub_using_subcommand issues; and __fish_seen_subcommand_from resolve" -l json -d 'Print JSON, the same as `-o json`'
complete -c tracehub -n "__fish_tracehub_using_subcommand issues; and __fish_seen_subcommand_from resolve" -s q -l quiet -d 'Print only ids, and no messages'
complete -c tracehub -n "__fish_tracehub_using_subcommand issues; and __fish_seen_subcommand_from resolve" -s v -l verbose -d 'Say more on stderr; twice for even more'
complete -c tracehub -n "__fish_tracehub_using_subcommand issues; and __fish_seen_subcommand_from resolve" -l ascii -d 'Draw with ASCII only'
complete -c tracehub -n "__fish_tracehub_using_subcommand issues; and __fish_seen_subcommand_from resolve" -l no-pager -d 'Do not page long output'
complete -c tracehub -n "__fish_tracehub_using_subcommand issues; and __fish_seen_subcommand_from resolve" -s h -l help -d 'Print help'
complete -c tracehub -n "__fish_tracehub_using_subcommand issues; and __fish_seen_subcommand_from reopen" -l db -d 'Database file, or the URL of a server [env: TRACEHUB_DB]' -r -F
complete -c tracehub -n "__fish_tracehub_using_subcommand issues; and __fish_seen_subcommand_from reopen" -l url -d 'Ask this server instead of a file [env: TRACEHUB_URL]' -r -f
complete -c tracehub -n "__fish_tracehub_using_subcommand issues; and __fish_seen_subcommand_from reopen" -l api-key -d 'Key for the server [env: TRACEHUB_API_KEY]' -r
complete -c tracehub -n "__fish_tracehub_using_subcommand issues; and __fish_seen_subcommand_from reopen" -l ca-cert -d 'Trust the servers whose certificates, or their authorities, are in this file [env: TRACEHUB_CA_CERT]' -r -F
complete -c tracehub -n "__fish_tracehub_using_subcommand issues; and __fish_seen_subcommand_from reopen" -s o -l output -d 'What to print: table, json, ndjson, csv, tsv, id [default: table]' -r -f -a "table\t'For people'
json\t'One JSON document'
ndjson\t'One JSON object a line'
csv\t'Comma-separated with a header'
tsv\t'Tab-separated with a header'
id\t'Ids only'"
complete -c tracehub -n "__fish_tracehub_using_subcommand issues; and __fish_seen_subcommand_from reopen" -l fields -d 'Print only these fields, such as `trace_id,duration_ms,tokens.input`' -r
complete -c tracehub -n "__fish_tracehub_using_subcommand issues; and __fish_seen_subcommand_from reopen" -l color -d 'When to colour: auto, always, never' -r -f -a "auto\t'On a terminal, unless NO_COLOR and the like say otherwise'
always\t'Always'
never\t'Never'"
complete -c tracehub -n "__fish_tracehub_using_subcommand issues; and __fish_seen_subcommand_from reopen" -l time -d 'How to write times: relative, local, utc [default: relative on a terminal, else utc]' -r -f -a "relative\t'As ages: 12s, 4m, 3h'
local\t'In the local time zone'
utc\t'In UTC'"
complete -c tracehub -n "__fish_tracehub_using_subcommand issues; and __fish_seen_subcommand_from reopen" -l width -d 'Columns to fill [default: the terminal\'s]' -r
complete -c tracehub -n "__fish_tracehub_using_subcommand issues; and __fish_seen_subcommand_from reopen" -l json -d 'Print JSON, the same as `-o json`'
complete -c tracehub -n "__fish_tracehub_using_subcommand issues; and __fish_seen_subcommand_from reopen" -s q -l quiet -d 'Print only ids, and no messages'
complete -c tracehub -n "__fish_tracehub_using_subcommand issues; and __fish_seen_subcommand_from reopen" -s v -l verbose -d 'Say more on stderr; twice for even more'
complete -c tracehub -n "__fish_tracehub_using_subcommand issues; and __fish_seen_subcommand_from reopen" -l ascii -d 'Draw with ASCII only'
complete -c tracehub -n "__fish_tracehub_using_subcommand issues; and __fish_seen_subcommand_from reopen" -l no-pager -d 'Do not page long output'
complete -c tracehub -n "__fish_tracehub_using_subcommand issues; and __fish_seen_subcommand_from reopen" -s h -l help -d 'Print help'
complete -c tracehub -n "__fish_tracehub_using_subcommand issues; and __fish_seen_subcommand_from ignore" -l db -d 'Database file, or the URL of a server [env: TRACEHUB_DB]' -r -F
complete -c tracehub -n "__fish_tracehub_using_subcommand issues; and __fish_seen_subcommand_from ignore" -l url -d 'Ask this server instead of a file [env: TRACEHUB_URL]' -r -f
complete -c tracehub -n "__fish_tracehub_using_subcommand issues; and __fish_seen_subcommand_from ignore" -l api-key -d 'Key for the server [env: TRACEHUB_API_KEY]' -r
complete -c tracehub -n "__fish_tracehub_using_subcommand issues; and __fish_seen_subcommand_from ignore" -l ca-cert -d 'Trust the servers whose certificates, or their authorities, are in this file [env: TRACEHUB_CA_CERT]' -r -F
complete -c tracehub -n "__fish_tracehub_using_subcommand issues; and __fish_seen_subcommand_from ignore" -s o -l output -d 'What to print: table, json, ndjson, csv, tsv, id [default: table]' -r -f -a "table\t'For people'
json\t'One JSON document'
ndjson\t'One JSON object a line'
csv\t'Comma-separated with a header'
tsv\t'Tab-separated with a header'
id\t'Ids only'"
complete -c tracehub -n "__fish_tracehub_using_subcommand issues; and __fish_seen_subcommand_from ignore" -l fields -d 'Print only these fields, such as `trace_id,duration_ms,tokens.input`' -r
complete -c tracehub -n "__fish_tracehub_using_subcommand issues; and __fish_seen_subcommand_from ignore" -l color -d 'When to colour: auto, always, never' -r -f -a "auto\t'On a terminal, unless NO_COLOR and the like say otherwise'
always\t'Always'
never\t'Never'"
complete -c tracehub -n "__fish_tracehub_using_subcommand issues; and __fish_seen_subcommand_from ignore" -l time -d 'How to write times: relative, local, utc [default: relative on a terminal, else utc]' -r -f -a "relative\t'As ages: 12s, 4m, 3h'
local\t'In the local time zone'
utc\t'In UTC'"
complete -c tracehub -n "__fish_tracehub_using_subcommand issues; and __fish_seen_subcommand_from ignore" -l width -d 'Columns to fill [default: the terminal\'s]' -r
complete -c tracehub -n "__fish_tracehub_using_subcommand issues; and __fish_seen_subcommand_from ignore" -l json -d 'Print JSON, the same as `-o json`'
complete -c tracehub -n "__fish_tracehub_using_subcommand issues; and __fish_seen_subcommand_from ignore" -s q -l quiet -d 'Print only ids, and no messages'
complete -c tracehub -n "__fish_tracehub_using_subcommand issues; and __fish_seen_subcommand_from ignore" -s v -l verbose -d 'Say more on stderr; twice for even more'
complete -c tracehub -n "__fish_tracehub_using_subcommand issues; and __fish_seen_subcommand_from ignore" -l ascii -d 'Draw with ASCII only'
complete -c tracehub -n "__fish_tracehub_using_subcommand issues; and __fish_seen_subcommand_from ignore" -l no-pager -d 'Do not page long output'
complete -c tracehub -n "__fish_tracehub_using_subcommand issues; and __fish_seen_subcommand_from ignore" -s h -l help -d 'Print help'
complete -c tracehub -n "__fish_tracehub_using_subcommand tail" -l service -d 'Only this service, or checkpoint source' -r
complete -c tracehub -n "__fish_tracehub_using_subcommand tail" -l kind -d 'Only this kind of record' -r -f -a "spans\t'OpenTelemetry spans'
checkpoints\t'Entry and exit records'
logs\t'Log records'"
complete -c tracehub -n "__fish_tracehub_using_subcommand tail" -s l -l level -d 'Only records at least this bad; a failed span counts as error, other spans and checkpoints as info' -r -f -a "trace\t'Everything'
debug\t'For developers'
info\t'Normal operation'
warn\t'Something to look at'
error\t'Something failed'
fatal\t'The program cannot go on'"
complete -c tracehub -n "__fish_tracehub_using_subcommand tail" -l since -d 'First what was received since this time: 5m, 09:00, …' -r
complete -c tracehub -n "__fish_tracehub_using_subcommand tail" -s n -l lines -d 'First the last so many records' -r
complete -c tracehub -n "__fish_tracehub_using_subcommand tail" -l db -d 'Database file, or the URL of a server [env: TRACEHUB_DB]' -r -F
complete -c tracehub -n "__fish_tracehub_using_subcommand tail" -l url -d 'Ask this server instead of a file [env: TRACEHUB_URL]' -r -f
complete -c tracehub -n "__fish_tracehub_using_subcommand tail" -l api-key -d 'Key for the server [env: TRACEHUB_API_KEY]' -r
complete -c tracehub -n "__fish_tracehub_using_subcommand tail" -l ca-cert -d 'Trust the servers whose certificates, or their authorities, are in this file [env: TRACEHUB_CA_CERT]' -r -F
complete -c tracehub -n "__fish_tracehub_using_subcommand tail" -s o -l output -d 'What to print: table, json, ndjson, csv, tsv, id [default: table]' -r -f -a "table\t'For people'
json\t'One JSON document'
ndjson\t'One JSON object a line'
csv\t'Comma-separated with a header'
tsv\t'Tab-separated with a header'
id\t'Ids only'"
complete -c tracehub -n "__fish_tracehub_using_subcommand tail" -l fields -d 'Print only these fields, such as `trace_id,duration_ms,tokens.input`' -r
complete -c tracehub -n "__fish_tracehub_using_subcommand tail" -l color -d 'When to colour: auto, always, never' -r -f -a "auto\t'On a terminal, unless NO_COLOR and the like say otherwise'
always\t'Always'
never\t'Never'"
complete -c tracehub -n "__fish_tracehub_using_subcommand tail" -l time -d 'How to write times: relative, local, utc [default: relative on a terminal, else utc]' -r -f -a "relative\t'As ages: 12s, 4m, 3h'
local\t'In the local time zone'
utc\t'In UTC'"
complete -c tracehub -n "__fish_tracehub_using_subcommand tail" -l width -d 'Columns to fill [default: the terminal\'s]' -r
complete -c tracehub -n "__fish_tracehub_using_subcommand tail" -l no-follow -d 'Stop after what is there: the last 10 records, unless --lines, --since or an ID say otherwise'
complete -c tracehub -n "__fish_tracehub_using_subcommand tail" -l json -d 'Print JSON, the same as `-o json`'
complete -c tracehub -n "__fish_tracehub_using_subcommand tail" -s q -l quiet -d 'Print only ids, and no messages'
complete -c tracehub -n "__fish_tracehub_using_subcommand tail" -s v -l verbose -d 'Say more on stderr; twice for even more'
complete -c tracehub -n "__fish_tracehub_using_subcommand tail" -l ascii -d 'Draw with ASCII only'
complete -c tracehub -n "__fish_tracehub_using_subcommand tail" -l no-pager -d 'Do not page long output'
complete -c tracehub -n "__fish_tracehub_using_subcommand tail" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c tracehub -n "__fish_tracehub_using_subcommand clear" -l older-than -d 'Only traces that ended longer ago than this: 24h, 7d, yesterday, …' -r
complete -c tracehub -n "__fish_tracehub_using_subcommand clear" -l trace -d 'Only this trace: id, unique prefix, `latest`' -r
complete -c tracehub -n "__fish_tracehub_using_subcommand clear" -l kind -d 'Only records of this kind' -r -f -a "spans\t'OpenTelemetry spans'
checkpoints\t'Entry and exit records'
logs\t'Log records'"
complete -c tracehub -n "__fish_tracehub_using_subcommand clear" -l redact -d 'Delete no record, but take the secrets out of all of them, by the rules in this file' -r -F
complete -c tracehub -n "__fish_tracehub_using_subcommand clear" -l db -d 'Database file, or the URL of a server [env: TRACEHUB_DB]' -r -F
complete -c tracehub -n "__fish_tracehub_using_subcommand clear" -l url -d 'Ask this server instead of a file [env: TRACEHUB_URL]' -r -f
complete -c tracehub -n "__fish_tracehub_using_subcommand clear" -l api-key -d 'Key for the server [env: TRACEHUB_API_KEY]' -r
complete -c tracehub -n "__fish_tracehub_using_subcommand clear" -l ca-cert -d 'Trust the servers whose certificates, or their authorities, are in this file [env: TRACEHUB_CA_CERT]' -r -F
complete -c tracehub -n "__fish_tracehub_using_subcommand clear" -s o -l output -d 'What to print: table, json, ndjson, csv, tsv, id [default: table]' -r -f -a "table\t'For people'
json\t'One JSON document'
ndjson\t'One JSON object a line'
csv\t'Comma-separated with a header'
tsv\t'Tab-separated with a header'
id\t'Ids only'"
complete -c tracehub -n "__fish_tracehub_using_subcommand clear" -l fields -d 'Print only these fields, such as `trace_id,duration_ms,tokens.input`' -r
complete -c tracehub -n "__fish_tracehub_using_subcommand clear" -l color -d 'When to colour: auto, always, never' -r -f -a "auto\t'On a terminal, unless NO_COLOR and the like say otherwise'
always\t'Always'
never\t'Never'"
complete -c tracehub -n "__fish_tracehub_using_subcommand clear" -l time -d 'How to write times: relative, local, utc [default: relative on a terminal, else utc]' -r -f -a "relative\t'As ages: 12s, 4m, 3h'
local\t'In the local time zone'
utc\t'In UTC'"
complete -c tracehub -n "__fish_tracehub_using_subcommand clear" -l width -d 'Columns to fill [default: the terminal\'s]' -r
complete -c tracehub -n "__fish_tracehub_using_subcommand clear" -s y -l yes -d 'Do not ask'
complete -c tracehub -n "__fish_tracehub_using_subcommand clear" -l dry-run -d 'Only say what would go'
complete -c tracehub -n "__fish_tracehub_using_subcommand clear" -l json -d 'Print JSON, the same as `-o json`'
complete -c tracehub -n "__fish_tracehub_using_subcommand clear" -s q -l quiet -d 'Print only ids, and no messages'
complete -c tracehub -n "__fish_tracehub_using_subcommand clear" -s v -l verbose -d 'Say more on stderr; twice for even more'
complete -c tracehub -n "__fish_tracehub_using_subcommand clear" -l ascii -d 'Draw with ASCII only'
complete -c tracehub -n "__fish_tracehub_using_subcommand clear" -l no-pager -d 'Do not page long output'
complete -c tracehub -n "__fish_tracehub_using_subcommand clear" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c tracehub -n "__fish_tracehub_using_subcommand import" -l project -d 'The project of records that are in none' -r
complete -c tracehub -n "__fish_tracehub_using_subcommand import" -l redact -d 'Take secrets out before anything is written, by the rules in this file [env: TRACEHUB_REDACT]' -r -F
complete -c tracehub -n "__fish_tracehub_using_subcommand import" -l db -d 'Database file, or the URL of a server [env: TRACEHUB_DB]' -r -F
complete -c tracehub -n "__fish_tracehub_using_subcommand import" -l url -d 'Ask this server instead of a file [env: TRACEHUB_URL]' -r -f
complete -c tracehub -n "__fish_tracehub_using_subcommand import" -l api-key -d 'Key for the server [env: TRACEHUB_API_KEY]' -r
complete -c tracehub -n "__fish_tracehub_using_subcommand import" -l ca-cert -d 'Trust the servers whose certificates, or their authorities, are in this file [env: TRACEHUB_CA_CERT]' -r -F
complete -c tracehub -n "__fish_tracehub_using_subcommand import" -s o -l output -d 'What to print: table, json, ndjson, csv, tsv, id [default: table]' -r -f -a "table\t'For people'
json\t'One JSON document'
ndjson\t'One JSON object a line'
csv\t'Comma-separated with a header'
tsv\t'Tab-separated with a header'
id\t'Ids only'"
complete -c tracehub -n "__fish_tracehub_using_subcommand import" -l fields -d 'Print only these fields, such as `trace_id,duration_ms,tokens.input`' -r
complete -c tracehub -n "__fish_tracehub_using_subcommand import" -l color -d 'When to colour: auto, always, never' -r -f -a "auto\t'On a terminal, unless NO_COLOR and the like say otherwise'
always\t'Always'
never\t'Never'"
complete -c tracehub -n "__fish_tracehub_using_subcommand import" -l time -d 'How to write times: relative, local, utc [default: relative on a terminal, else utc]' -r -f -a "relative\t'As ages: 12s, 4m, 3h'
local\t'In the local time zone'
utc\t'In UTC'"
complete -c tracehub -n "__fish_tracehub_using_subcommand import" -l width -d 'Columns to fill [default: the terminal\'s]' -r
complete -c tracehub -n "__fish_tracehub_using_subcommand import" -l remove -d 'Delete files of undelivered entries of which every line is in the target then'
complete -c tracehub -n "__fish_tracehub_using_subcommand import" -l json -d 'Print JSON, the same as `-o json`'
complete -c tracehub -n "__fish_tracehub_using_subcommand import" -s q -l quiet -d 'Print only ids, and no messages'
complete -c tracehub -n "__fish_tracehub_using_subcommand import" -s v -l verbose -d 'Say more on stderr; twice for even more'
complete -c tracehub -n "__fish_tracehub_using_subcommand import" -l ascii -d 'Draw with ASCII only'
complete -c tracehub -n "__fish_tracehub_using_subcommand import" -l no-pager -d 'Do not page long output'
complete -c tracehub -n "__fish_tracehub_using_subcommand import" -s h -l help -d 'Print help'
complete -c tracehub -n "__fish_tracehub_using_subcommand keys; and not __fish_seen_subcommand_from create list revoke" -l db -d 'Database file, or the URL of a server [env: TRACEHUB_DB]' -r -F
complete -c tracehub -n "__fish_tracehub_using_subcommand keys; and not __fish_seen_subcommand_from create list revoke" -l url -d 'Ask this server instead of a file [env: TRACEHUB_URL]' -r -f
complete -c tracehub -n "__fish_tracehub_using_subcommand keys; and not __fish_seen_subcommand_from create list revoke" -l api-key -d 'Key for the server [env: TRACEHUB_API_KEY]' -r
complete -c tracehub -n "__fish_tracehub_using_subcommand keys; and not __fish_seen_subcommand_from create list revoke" -l ca-cert -d 'Trust the servers whose certificates, or their authorities, are in this file [env: TRACEHUB_CA_CERT]' -r -F
complete -c tracehub -n "__fish_tracehub_using_subcommand keys; and not __fish_seen_subcommand_from create list revoke" -s o -l output -d 'What to print: table, json, ndjson, csv, tsv, id [default: table]' -r -f -a "table\t'For people'
json\t'One JSON document'
ndjson\t'One JSON object a line'
csv\t'Comma-separated with a header'
tsv\t'Tab-separated with a header'
id\t'Ids only'"
complete -c tracehub -n "__fish_tracehub_using_subcommand keys; and not __fish_seen_subcommand_from create list revoke" -l fields -d 'Print only these fields, such as `trace_id,duration_ms,tokens.input`' -r
complete -c tracehub -n "__fish_tracehub_using_subcommand keys; and not __fish_seen_subcommand_from create list revoke" -l color -d 'When to colour: auto, always, never' -r -f -a "auto\t'On a terminal, unless NO_COLOR and the like say otherwise'
always\t'Always'
never\t'Never'"
complete -c tracehub -n "__fish_tracehub_using_subcommand keys; and not __fish_seen_subcommand_from create list revoke" -l time -d 'How to write times: relative, local, utc [default: relative on a terminal, else utc]' -r -f -a "relative\t'As ages: 12s, 4m, 3h'
local\t'In the local time zone'
utc\t'In UTC'"
complete -c tracehub -n "__fish_tracehub_using_subcommand keys; and not __fish_seen_subcommand_from create list revoke" -l width -d 'Columns to fill [default: the terminal\'s]' -r
complete -c tracehub -n "__fish_tracehub_using_subcommand keys; and not __fish_seen_subcommand_from create list revoke" -l json -d 'Print JSON, the same as `-o json`'
complete -c tracehub -n "__fish_tracehub_using_subcommand keys; and not __fish_seen_subcommand_from create list revoke" -s q -l quiet -d 'Print only ids, and no messages'
complete -c tracehub -n "__fish_tracehub_using_subcommand keys; and not __fish_seen_subcommand_from create list revoke" -s v -l verbose -d 'Say more on stderr; twice for even more'
complete -c tracehub -n "__fish_tracehub_using_subcommand keys; and not __fish_seen_subcommand_from create list revoke" -l ascii -d 'Draw with ASCII only'
complete -c tracehub -n "__fish_tracehub_using_subcommand keys; and not __fish_seen_subcommand_from create list revoke" -l no-pager -d 'Do not page long output'
complete -c tracehub -n "__fish_tracehub_using_subcommand keys; and not __fish_seen_subcommand_from create list revoke" -s h -l help -d 'Print help'
complete -c tracehub -n "__fish_tracehub_using_subcommand keys; and not __fish_seen_subcommand_from create list revoke" -f -a "create" -d 'Issue a key and print it, this once'
complete -c tracehub -n "__fish_tracehub_using_subcommand keys; and not __fish_seen_subcommand_from create list revoke" -f -a "list" -d 'List the keys ever issued, oldest first'
complete -c tracehub -n "__fish_tracehub_using_subcommand keys; and not __fish_seen_subcommand_from create list revoke" -f -a "revoke" -d 'Revoke a key, for good'
complete -c tracehub -n "__fish_tracehub_using_subcommand keys; and __fish_seen_subcommand_from create" -l project -d 'The project of everything sent with the key' -r
complete -c tracehub -n "__fish_tracehub_using_subcommand keys; and __fish_seen_subcommand_from create" -l scope -d 'What it permits: ingest, read, admin, which includes the others' -r -f -a "ingest\t'Send records'
read\t'Look'
admin\t'Everything'"
complete -c tracehub -n "__fish_tracehub_using_subcommand keys; and __fish_seen_subcommand_from create" -l limit-rate -d 'What may be sent with it in a second, in place of what `start --limit-rate` says: 5000, 10MB or 5000,10MB' -r
complete -c tracehub -n "__fish_tracehub_using_subcommand keys; and __fish_seen_subcommand_from create" -l db -d 'Database file, or the URL of a server [env: TRACEHUB_DB]' -r -F
complete -c tracehub -n "__fish_tracehub_using_subcommand keys; and __fish_seen_subcommand_from create" -l url -d 'Ask this server instead of a file [env: TRACEHUB_URL]' -r -f
complete -c tracehub -n "__fish_tracehub_using_subcommand keys; and __fish_seen_subcommand_from create" -l api-key -d 'Key for the server [env: TRACEHUB_API_KEY]' -r
complete -c tracehub -n "__fish_tracehub_using_subcommand keys; and __fish_seen_subcommand_from create" -l ca-cert -d 'Trust the servers whose certificates, or their authorities, are in this file [env: TRACEHUB_CA_CERT]' -r -F
complete -c tracehub -n "__fish_tracehub_using_subcommand keys; and __fish_seen_subcommand_from create" -s o -l output -d 'What to print: table, json, ndjson, csv, tsv, id [default: table]' -r -f -a "table\t'For people'
json\t'One JSON document'
ndjson\t'One JSON object a line'
csv\t'Comma-separated with a header'
tsv\t'Tab-separated with a header'
id\t'Ids only'"
complete -c tracehub -n "__fish_tracehub_using_subcommand keys; and __fish_seen_subcommand_from create" -l fields -d 'Print only these fields, such as `trace_id,duration_ms,tokens.input`' -r
complete -c tracehub -n "__fish_tracehub_using_subcommand keys; and __fish_seen_subcommand_from create" -l color -d 'When to colour: auto, always, never' -r -f -a "auto\t'On a terminal, unless NO_COLOR and the like say otherwise'
always\t'Always'
never\t'Never'"
complete -c tracehub -n "__fish_tracehub_using_subcommand keys; and __fish_seen_subcommand_from create" -l time -d 'How to write times: relative, local, utc [default: relative on a terminal, else utc]' -r -f -a "relative\t'As ages: 12s, 4m, 3h'
local\t'In the local time zone'
utc\t'In UTC'"
complete -c tracehub -n "__fish_tracehub_using_subcommand keys; and __fish_seen_subcommand_from create" -l width -d 'Columns to fill [default: the terminal\'s]' -r
complete -c tracehub -n "__fish_tracehub_using_subcommand keys; and __fish_seen_subcommand_from create" -l json -d 'Print JSON, the same as `-o json`'
complete -c tracehub -n "__fish_tracehub_using_subcommand keys; and __fish_seen_subcommand_from create" -s q -l quiet -d 'Print only ids, and no messages'
complete -c tracehub -n "__fish_tracehub_using_subcommand keys; and __fish_seen_subcommand_from create" -s v -l verbose -d 'Say more on stderr; twice for even more'
complete -c tracehub -n "__fish_tracehub_using_subcommand keys; and __fish_seen_subcommand_from create" -l ascii -d 'Draw with ASCII only'
complete -c tracehub -n "__fish_tracehub_using_subcommand keys; and __fish_seen_subcommand_from create" -l no-pager -d 'Do not page long output'
complete -c tracehub -n "__fish_tracehub_using_subcommand keys; and __fish_seen_subcommand_from create" -s h -l help -d 'Print help'
complete -c tracehub -n "__fish_tracehub_using_subcommand keys; and __fish_seen_subcommand_from list" -l db -d 'Database file, or the URL of a server [env: TRACEHUB_DB]' -r -F
complete -c tracehub -n "__fish_tracehub_using_subcommand keys; and __fish_seen_subcommand_from list" -l url -d 'Ask this server instead of a file [env: TRACEHUB_URL]' -r -f
complete -c tracehub -n "__fish_tracehub_using_subcommand keys; and __fish_seen_subcommand_from list" -l api-key -d 'Key for the server [env: TRACEHUB_API_KEY]' -r
complete -c tracehub -n "__fish_tracehub_using_subcommand keys; and __fish_seen_subcommand_from list" -l ca-cert -d 'Trust the servers whose certificates, or their authorities, are in this file [env: TRACEHUB_CA_CERT]' -r -F
complete -c tracehub -n "__fish_tracehub_using_subcommand keys; and __fish_seen_subcommand_from list" -s o -l output -d 'What to print: table, json, ndjson, csv, tsv, id [default: table]' -r -f -a "table\t'For people'
json\t'One JSON document'
ndjson\t'One JSON object a line'
csv\t'Comma-separated with a header'
tsv\t'Tab-separated with a header'
id\t'Ids only'"
complete -c tracehub -n "__fish_tracehub_using_subcommand keys; and __fish_seen_subcommand_from list" -l fields -d 'Print only these fields, such as `trace_id,duration_ms,tokens.input`' -r
complete -c tracehub -n "__fish_tracehub_using_subcommand keys; and __fish_seen_subcommand_from list" -l color -d 'When to colour: auto, always, never' -r -f -a "auto\t'On a terminal, unless NO_COLOR and the like say otherwise'
always\t'Always'
never\t'Never'"
complete -c tracehub -n "__fish_tracehub_using_subcommand keys; and __fish_seen_subcommand_from list" -l time -d 'How to write times: relative, local, utc [default: relative on a terminal, else utc]' -r -f -a "relative\t'As ages: 12s, 4m, 3h'
local\t'In the local time zone'
utc\t'In UTC'"
complete -c tracehub -n "__fish_tracehub_using_subcommand keys; and __fish_seen_subcommand_from list" -l width -d 'Columns to fill [default: the terminal\'s]' -r
complete -c tracehub -n "__fish_tracehub_using_subcommand keys; and __fish_seen_subcommand_from list" -l json -d 'Print JSON, the same as `-o json`'
complete -c tracehub -n "__fish_tracehub_using_subcommand keys; and __fish_seen_subcommand_from list" -s q -l quiet -d 'Print only ids, and no messages'
complete -c tracehub -n "__fish_tracehub_using_subcommand keys; and __fish_seen_subcommand_from list" -s v -l verbose -d 'Say more on stderr; twice for even more'
complete -c tracehub -n "__fish_tracehub_using_subcommand keys; and __fish_seen_subcommand_from list" -l ascii -d 'Draw with ASCII only'
complete -c tracehub -n "__fish_tracehub_using_subcommand keys; and __fish_seen_subcommand_from list" -l no-pager -d 'Do not page long output'
complete -c tracehub -n "__fish_tracehub_using_subcommand keys; and __fish_seen_subcommand_from list" -s h -l help -d 'Print help'
complete -c tracehub -n "__fish_tracehub_using_subcommand keys; and __fish_seen_subcommand_from revoke" -l db -d 'Database file, or the URL of a server [env: TRACEHUB_DB]' -r -F
complete -c tracehub -n "__fish_tracehub_using_subcommand keys; and __fish_seen_subcommand_from revoke" -l url -d 'Ask this server instead of a file [env: TRACEHUB_URL]' -r -f
complete -c tracehub -n "__fish_tracehub_using_subcommand keys; and __fish_seen_subcommand_from revoke" -l api-key -d 'Key for the server [env: TRACEHUB_API_KEY]' -r
complete -c tracehub -n "__fish_tracehub_using_subcommand keys; and __fish_seen_subcommand_from revoke" -l ca-cert -d 'Trust the servers whose certificates, or their authorities, are in this file [env: TRACEHUB_CA_CERT]' -r -F
complete -c tracehub -n "__fish_tracehub_using_subcommand keys; and __fish_seen_subcommand_from revoke" -s o -l output -d 'What to print: table, json, ndjson, csv, tsv, id [default: table]' -r -f -a "table\t'For people'
json\t'One JSON document'
ndjson\t'One JSON object a line'
csv\t'Comma-separated with a header'
tsv\t'Tab-separated with a header'
id\t'Ids only'"
complete -c tracehub -n "__fish_tracehub_using_subcommand keys; and __fish_seen_subcommand_from revoke" -l fields -d 'Print only these fields, such as `trace_id,duration_ms,tokens.input`' -r
complete -c tracehub -n "__fish_tracehub_using_subcommand keys; and __fish_seen_subcommand_from revoke" -l color -d 'When to colour: auto, always, never' -r -f -a "auto\t'On a terminal, unless NO_COLOR and the like say otherwise'
always\t'Always'
never\t'Never'"
complete -c tracehub -n "__fish_tracehub_using_subcommand keys; and __fish_seen_subcommand_from revoke" -l time -d 'How to write times: relative, local, utc [default: relative on a terminal, else utc]' -r -f -a "relative\t'As ages: 12s, 4m, 3h'
local\t'In the local time zone'
utc\t'In UTC'"
complete -c tracehub -n "__fish_tracehub_using_subcommand keys; and __fish_seen_subcommand_from revoke" -l width -d 'Columns to fill [default: the terminal\'s]' -r
complete -c tracehub -n "__fish_tracehub_using_subcommand keys; and __fish_seen_subcommand_from revoke" -s y -l yes -d 'Do not ask'
complete -c tracehub -n "__fish_tracehub_using_subcommand keys; and __fish_seen_subcommand_from revoke" -l json -d 'Print JSON, the same as `-o json`'
complete -c tracehub -n "__fish_tracehub_using_subcommand keys; and __fish_seen_subcommand_from revoke" -s q -l quiet -d 'Print only ids, and no messages'
complete -c tracehub -n "__fish_tracehub_using_subcommand keys; and __fish_seen_subcommand_from revoke" -s v -l verbose -d 'Say more on stderr; twice for even more'
complete -c tracehub -n "__fish_tracehub_using_subcommand keys; and __fish_seen_subcommand_from revoke" -l ascii -d 'Draw with ASCII only'
complete -c tracehub -n "__fish_tracehub_using_subcommand keys; and __fish_seen_subcommand_from revoke" -l no-pager -d 'Do not page long output'
complete -c tracehub -n "__fish_tracehub_using_subcommand keys; and __fish_seen_subcommand_from revoke" -s h -l help -d 'Print help'
complete -c tracehub -n "__fish_tracehub_using_subcommand trace; and not __fish_seen_subcommand_from current new list show" -l db -d 'Database file, or the URL of a server [env: TRACEHUB_DB]' -r -F
complete -c tracehub -n "__fish_tracehub_using_subcommand trace; and not __fish_seen_subcommand_from current new list show" -l url -d 'Ask this server instead of a file [env: TRACEHUB_URL]' -r -f
complete -c tracehub -n "__fish_tracehub_using_subcommand trace; and not __fish_seen_subcommand_from current new list show" -l api-key -d 'Key for the server [env: TRACEHUB_API_KEY]' -r
complete -c tracehub -n "__fish_tracehub_using_subcommand trace; and not __fish_seen_subcommand_from current new list show" -l ca-cert -d 'Trust the servers whose certificates, or their authorities, are in this file [env: TRACEHUB_CA_CERT]' -r -F
complete -c tracehub -n "__fish_tracehub_using_subcommand trace; and not __fish_seen_subcommand_from current new list show" -s o -l output -d 'What to print: table, json, ndjson, csv, tsv, id [default: table]' -r -f -a "table\t'For people'
json\t'One JSON document'
ndjson\t'One JSON object a line'
csv\t'Comma-separated with a header'
tsv\t'Tab-separated with a header'
id\t'Ids only'"
complete -c tracehub -n "__fish_tracehub_using_subcommand trace; and not __fish_seen_subcommand_from current new list show" -l fields -d 'Print only these fields, such as `trace_id,duration_ms,tokens.input`' -r
complete -c tracehub -n "__fish_tracehub_using_subcommand trace; and not __fish_seen_subcommand_from current new list show" -l color -d 'When to colour: auto, always, never' -r -f -a "auto\t'On a terminal, unless NO_COLOR and the like say otherwise'
always\t'Always'
never\t'Never'"
complete -c tracehub -n "__fish_tracehub_using_subcommand trace; and not __fish_seen_subcommand_from current new list show" -l time -d 'How to write times: relative, local, utc [default: relative on a terminal, else utc]' -r -f -a "relative\t'As ages: 12s, 4m, 3h'
local\t'In the local time zone'
utc\t'In UTC'"
complete -c tracehub -n "__fish_tracehub_using_subcommand trace; and not __fish_seen_subcommand_from current new list show" -l width -d 'Columns to fill [default: the terminal\'s]' -r
complete -c tracehub -n "__fish_tracehub_using_subcommand trace; and not __fish_seen_subcommand_from current new list show" -l json -d 'Print JSON, the same as `-o json`'
complete -c tracehub -n "__fish_tracehub_using_subcommand trace; and not __fish_seen_subcommand_from current new list show" -s q -l quiet -d 'Print only ids, and no messages'
complete -c tracehub -n "__fish_tracehub_using_subcommand trace; and not __fish_seen_subcommand_from current new list show" -s v -l verbose -d 'Say more on stderr; twice for even more'
complete -c tracehub -n "__fish_tracehub_using_subcommand trace; and not __fish_seen_subcommand_from current new list show" -l ascii -d 'Draw with ASCII only'
complete -c tracehub -n "__fish_tracehub_using_subcommand trace; and not __fish_seen_subcommand_from current new list show" -l no-pager -d 'Do not page long output'
complete -c tracehub -n "__fish_tracehub_using_subcommand trace; and not __fish_seen_subcommand_from current new list show" -s h -l help -d 'Print help'
complete -c tracehub -n "__fish_tracehub_using_subcommand trace; and not __fish_seen_subcommand_from current new list show" -f -a "current" -d 'Print the id of the current trace: TRACEPARENT, else TRACEHUB_TRACE_ID, else TRACEHUB_CORRELATION_ID'
complete -c tracehub -n "__fish_tracehub_using_subcommand trace; and not __fish_seen_subcommand_from current new list show" -f -a "new" -d 'Print a fresh trace id'
complete -c tracehub -n "__fish_tracehub_using_subcommand trace; and not __fish_seen_subcommand_from current new list show" -f -a "list" -d 'List recent traces, newest first; the same as `tracehub list`'
complete -c tracehub -n "__fish_tracehub_using_subcommand trace; and not __fish_seen_subcommand_from current new list show" -f -a "show" -d 'Show one trace; the same as `tracehub show`, by default the newest'
complete -c tracehub -n "__fish_tracehub_using_subcommand trace; and __fish_seen_subcommand_from current" -l db -d 'Database file, or the URL of a server [env: TRACEHUB_DB]' -r -F
complete -c tracehub -n "__fish_tracehub_using_subcommand trace; and __fish_seen_subcommand_from current" -l url -d 'Ask this server instead of a file [env: TRACEHUB_URL]' -r -f
complete -c tracehub -n "__fish_tracehub_using_subcommand trace; and __fish_seen_subcommand_from current" -l api-key -d 'Key for the server [env: TRACEHUB_API_KEY]' -r
complete -c tracehub -n "__fish_tracehub_using_subcommand trace; and __fish_seen_subcommand_from current" -l ca-cert -d 'Trust the servers whose certificates, or their authorities, are in this file [env: TRACEHUB_CA_CERT]' -r -F
complete -c tracehub -n "__fish_tracehub_using_subcommand trace; and __fish_seen_subcommand_from current" -s o -l output -d 'What to print: table, json, ndjson, csv, tsv, id [default: table]' -r -f -a "table\t'For people'
json\t'One JSON document'
ndjson\t'One JSON object a line'
csv\t'Comma-separated with a header'
tsv\t'Tab-separated with a header'
id\t'Ids only'"
complete -c tracehub -n "__fish_tracehub_using_subcommand trace; and __fish_seen_subcommand_from current" -l fields -d 'Print only these fields, such as `trace_id,duration_ms,tokens.input`' -r
complete -c tracehub -n "__fish_tracehub_using_subcommand trace; and __fish_seen_subcommand_from current" -l color -d 'When to colour: auto, always, never' -r -f -a "auto\t'On a terminal, unless NO_COLOR and the like say otherwise'
always\t'Always'
never\t'Never'"
complete -c tracehub -n "__fish_tracehub_using_subcommand trace; and __fish_seen_subcommand_from current" -l time -d 'How to write times: relative, local, utc [default: relative on a terminal, else utc]' -r -f -a "relative\t'As ages: 12s, 4m, 3h'
local\t'In the local time zone'
utc\t'In UTC'"
complete -c tracehub -n "__fish_tracehub_using_subcommand trace; and __fish_seen_subcommand_from current" -l width -d 'Columns to fill [default: the terminal\'s]' -r
complete -c tracehub -n "__fish_tracehub_using_subcommand trace; and __fish_seen_subcommand_from current" -l json -d 'Print JSON, the same as `-o json`'
complete -c tracehub -n "__fish_tracehub_using_subcommand trace; and __fish_seen_subcommand_from current" -s q -l quiet -d 'Print only ids, and no messages'
complete -c tracehub -n "__fish_tracehub_using_subcommand trace; and __fish_seen_subcommand_from current" -s v -l verbose -d 'Say more on stderr; twice for even more'
complete -c tracehub -n "__fish_tracehub_using_subcommand trace; and __fish_seen_subcommand_from current" -l ascii -d 'Draw with ASCII only'
complete -c tracehub -n "__fish_tracehub_using_subcommand trace; and __fish_seen_subcommand_from current" -l no-pager -d 'Do not page long output'
complete -c tracehub -n "__fish_tracehub_using_subcommand trace; and __fish_seen_subcommand_from current" -s h -l help -d 'Print help'
complete -c tracehub -n "__fish_tracehub_using_subcommand trace; and __fish_seen_subcommand_from new" -l db -d 'Database file, or the URL of a server [env: TRACEHUB_DB]' -r -F
complete -c tracehub -n "__fish_tracehub_using_subcommand trace; and __fish_seen_subcommand_from new" -l url -d 'Ask this server instead of a file [env: TRACEHUB_URL]' -r -f
complete -c tracehub -n "__fish_tracehub_using_subcommand trace; and __fish_seen_subcommand_from new" -l api-key -d 'Key for the server [env: TRACEHUB_API_KEY]' -r
complete -c tracehub -n "__fish_tracehub_using_subcommand trace; and __fish_seen_subcommand_from new" -l ca-cert -d 'Trust the servers whose certificates, or their authorities, are in this file [env: TRACEHUB_CA_CERT]' -r -F
complete -c tracehub -n "__fish_tracehub_using_subcommand trace; and __fish_seen_subcommand_from new" -s o -l output -d 'What to print: table, json, ndjson, csv, tsv, id [default: table]' -r -f -a "table\t'For people'
json\t'One JSON document'
ndjson\t'One JSON object a line'
csv\t'Comma-separated with a header'
tsv\t'Tab-separated with a header'
id\t'Ids only'"
complete -c tracehub -n "__fish_tracehub_using_subcommand trace; and __fish_seen_subcommand_from new" -l fields -d 'Print only these fields, such as `trace_id,duration_ms,tokens.input`' -r
complete -c tracehub -n "__fish_tracehub_using_subcommand trace; and __fish_seen_subcommand_from new" -l color -d 'When to colour: auto, always, never' -r -f -a "auto\t'On a terminal, unless NO_COLOR and the like say otherwise'
always\t'Always'
never\t'Never'"
complete -c tracehub -n "__fish_tracehub_using_subcommand trace; and __fish_seen_subcommand_from new" -l time -d 'How to write times: relative, local, utc [default: relative on a terminal, else utc]' -r -f -a "relative\t'As ages: 12s, 4m, 3h'
local\t'In the local time zone'
utc\t'In UTC'"
complete -c tracehub -n "__fish_tracehub_using_subcommand trace; and __fish_seen_subcommand_from new" -l width -d 'Columns to fill [default: the terminal\'s]' -r
complete -c tracehub -n "__fish_tracehub_using_subcommand trace; and __fish_seen_subcommand_from new" -l export -d 'Print `export TRACEPARENT=…` for a shell to evaluate'
complete -c tracehub -n "__fish_tracehub_using_subcommand trace; and __fish_seen_subcommand_from new" -l json -d 'Print JSON, the same as `-o json`'
complete -c tracehub -n "__fish_tracehub_using_subcommand trace; and __fish_seen_subcommand_from new" -s q -l quiet -d 'Print only ids, and no messages'
complete -c tracehub -n "__fish_tracehub_using_subcommand trace; and __fish_seen_subcommand_from new" -s v -l verbose -d 'Say more on stderr; twice for even more'
complete -c tracehub -n "__fish_tracehub_using_subcommand trace; and __fish_seen_subcommand_from new" -l ascii -d 'Draw with ASCII only'
complete -c tracehub -n "__fish_tracehub_using_subcommand trace; and __fish_seen_subcommand_from new" -l no-pager -d 'Do not page long output'
complete -c tracehub -n "__fish_tracehub_using_subcommand trace; and __fish_seen_subcommand_from new" -s h -l help -d 'Print help'
complete -c tracehub -n "__fish_tracehub_using_subcommand trace; and __fish_seen_subcommand_from list" -l attr -d 'Only with this attribute: `k=v`, `k!=v`, `k~=regex`, `k>5`, `k`; repeat for more, all on one record' -r
complete -c tracehub -n "__fish_tracehub_using_subcommand trace; and __fish_seen_subcommand_from list" -s n -l limit -d 'At most this many; 0 is all' -r
complete -c tracehub -n "__fish_tracehub_using_subcommand trace; and __fish_seen_subcommand_from list" -l service -d 'Only traces this service takes part in' -r
complete -c tracehub -n "__fish_tracehub_using_subcommand trace; and __fish_seen_subcommand_from list" -l name -d 'Only traces whose name contains this, whatever the case' -r
complete -c tracehub -n "__fish_tracehub_using_subcommand trace; and __fish_seen_subcommand_from list" -l workflow -d 'Only traces of this workflow' -r
complete -c tracehub -n "__fish_tracehub_using_subcommand trace; and __fish_seen_subcommand_from list" -l session -d 'Only traces of this session or conversation' -r
complete -c tracehub -n "__fish_tracehub_using_subcommand trace; and __fish_seen_subcommand_from list" -l env -d 'Only traces with a record of this environment' -r
complete -c tracehub -n "__fish_tracehub_using_subcommand trace; and __fish_seen_subcommand_from list" -l min-duration -d 'Only traces that took at least this long: 250ms, 1.5s, 2m' -r
complete -c tracehub -n "__fish_tracehub_using_subcommand trace; and __fish_seen_subcommand_from list" -l max-duration -d 'Only traces that took at most this long' -r
complete -c tracehub -n "__fish_tracehub_using_subcommand trace; and __fish_seen_subcommand_from list" -l project -d 'Only traces with a record of this project' -r
complete -c tracehub -n "__fish_tracehub_using_subcommand trace; and __fish_seen_subcommand_from list" -l kind -d 'Only traces that hold this kind of record' -r -f -a "spans\t'OpenTelemetry spans'
checkpoints\t'Entry and exit records'
logs\t'Log records'"
complete -c tracehub -n "__fish_tracehub_using_subcommand trace; and __fish_seen_subcommand_from list" -l since -d 'From this time on: 15m, 2h, yesterday, 2026-11-21T09:00, …' -r
complete -c tracehub -n "__fish_tracehub_using_subcommand trace; and __fish_seen_subcommand_from list" -l until -d 'Before this time' -r
complete -c tracehub -n "__fish_tracehub_using_subcommand trace; and __fish_seen_subcommand_from list" -l sort -d 'What comes first' -r -f -a "start\t'The newest'
duration\t'The slowest'
spans\t'Those with most spans'
errors\t'Those with most errors'"
complete -c tracehub -n "__fish_tracehub_using_subcommand trace; and __fish_seen_subcommand_from list" -l cursor -d 'Go on after this place; stderr then names the next one. Empty is the beginning' -r
complete -c tracehub -n "__fish_tracehub_using_subcommand trace; and __fish_seen_subcommand_from list" -l db -d 'Database file, or the URL of a server [env: TRACEHUB_DB]' -r -F
complete -c tracehub -n "__fish_tracehub_using_subcommand trace; and __fish_seen_subcommand_from list" -l url -d 'Ask this server instead of a file [env: TRACEHUB_URL]' -r -f
complete -c tracehub -n "__fish_tracehub_using_subcommand trace; and __fish_seen_subcommand_from list" -l api-key -d 'Key for the server [env: TRACEHUB_API_KEY]' -r
complete -c tracehub -n "__fish_tracehub_using_subcommand trace; and __fish_seen_subcommand_from list" -l ca-cert -d 'Trust the servers whose certificates, or their authorities, are in this file [env: TRACEHUB_CA_CERT]' -r -F
complete -c tracehub -n "__fish_tracehub_using_subcommand trace; and __fish_seen_subcommand_from list" -s o -l output -d 'What to print: table, json, ndjson, csv, tsv, id [default: table]' -r -f -a "table\t'For people'
json\t'One JSON document'
ndjson\t'One JSON object a line'
csv\t'Comma-separated with a header'
tsv\t'Tab-separated with a header'
id\t'Ids only'"
complete -c tracehub -n "__fish_tracehub_using_subcommand trace; and __fish_seen_subcommand_from list" -l fields -d 'Print only these fields, such as `trace_id,duration_ms,tokens.input`' -r
complete -c tracehub -n "__fish_tracehub_using_subcommand trace; and __fish_seen_subcommand_from list" -l color -d 'When to colour: auto, always, never' -r -f -a "auto\t'On a terminal, unless NO_COLOR and the like say otherwise'
always\t'Always'
never\t'Never'"
complete -c tracehub -n "__fish_tracehub_using_subcommand trace; and __fish_seen_subcommand_from list" -l time -d 'How to write times: relative, local, utc [default: relative on a terminal, else utc]' -r -f -a "relative\t'As ages: 12s, 4m, 3h'
local\t'In the local time zone'
utc\t'In UTC'"
complete -c tracehub -n "__fish_tracehub_using_subcommand trace; and __fish_seen_subcommand_from list" -l width -d 'Columns to fill [default: the terminal\'s]' -r
complete -c tracehub -n "__fish_tracehub_using_subcommand trace; and __fish_seen_subcommand_from list" -l failed -d 'Only traces with errors'
complete -c tracehub -n "__fish_tracehub_using_subcommand trace; and __fish_seen_subcommand_from list" -l root-failed -d 'Only traces whose root span failed, whatever failed below it'
complete -c tracehub -n "__fish_tracehub_using_subcommand trace; and __fish_seen_subcommand_from list" -l no-failed -l no-errors -d 'Only traces without errors'
complete -c tracehub -n "__fish_tracehub_using_subcommand trace; and __fish_seen_subcommand_from list" -l reverse -d 'Turn the order round'
complete -c tracehub -n "__fish_tracehub_using_subcommand trace; and __fish_seen_subcommand_from list" -l json -d 'Print JSON, the same as `-o json`'
complete -c tracehub -n "__fish_tracehub_using_subcommand trace; and __fish_seen_subcommand_from list" -s q -l quiet -d 'Print only ids, and no messages'
complete -c tracehub -n "__fish_tracehub_using_subcommand trace; and __fish_seen_subcommand_from list" -s v -l verbose -d 'Say more on stderr; twice for even more'
complete -c tracehub -n "__fish_tracehub_using_subcommand trace; and __fish_seen_subcommand_from list" -l ascii -d 'Draw with ASCII only'
complete -c tracehub -n "__fish_tracehub_using_subcommand trace; and __fish_seen_subcommand_from list" -l no-pager -d 'Do not page long output'
complete -c tracehub -n "__fish_tracehub_using_subcommand trace; and __fish_seen_subcommand_from list" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c tracehub -n "__fish_tracehub_using_subcommand trace; and __fish_seen_subcommand_from show" -l view -d 'Which picture' -r -f -a "waterfall\t'Bars over time'
tree\t'Indented names only'
list\t'One line a span by start time'"
complete -c tracehub -n "__fish_tracehub_using_subcommand trace; and __fish_seen_subcommand_from show" -l span -d 'Only this span and what is below it: id, unique prefix of an id, or name' -r
complete -c tracehub -n "__fish_tracehub_using_subcommand trace; and __fish_seen_subcommand_from show" -l logs -d 'Which log lines to draw [default: warn; all where there is nothing else]' -r -f -a "warn\t'Warnings and worse'
all\t'All'
none\t'None'"
complete -c tracehub -n "__fish_tracehub_using_subcommand trace; and __fish_seen_subcommand_from show" -l db -d 'Database file, or the URL of a server [env: TRACEHUB_DB]' -r -F
complete -c tracehub -n "__fish_tracehub_using_subcommand trace; and __fish_seen_subcommand_from show" -l url -d 'Ask this server instead of a file [env: TRACEHUB_URL]' -r -f
complete -c tracehub -n "__fish_tracehub_using_subcommand trace; and __fish_seen_subcommand_from show" -l api-key -d 'Key for the server [env: TRACEHUB_API_KEY]' -r
complete -c tracehub -n "__fish_tracehub_using_subcommand trace; and __fish_seen_subcommand_from show" -l ca-cert -d 'Trust the servers whose certificates, or their authorities, are in this file [env: TRACEHUB_CA_CERT]' -r -F
complete -c tracehub -n "__fish_tracehub_using_subcommand trace; and __fish_seen_subcommand_from show" -s o -l output -d 'What to print: table, json, ndjson, csv, tsv, id [default: table]' -r -f -a "table\t'For people'
json\t'One JSON document'
ndjson\t'One JSON object a line'
csv\t'Comma-separated with a header'
tsv\t'Tab-separated with a header'
id\t'Ids only'"
complete -c tracehub -n "__fish_tracehub_using_subcommand trace; and __fish_seen_subcommand_from show" -l fields -d 'Print only these fields, such as `trace_id,duration_ms,tokens.input`' -r
complete -c tracehub -n "__fish_tracehub_using_subcommand trace; and __fish_seen_subcommand_from show" -l color -d 'When to colour: auto, always, never' -r -f -a "auto\t'On a terminal, unless NO_COLOR and the like say otherwise'
always\t'Always'
never\t'Never'"
complete -c tracehub -n "__fish_tracehub_using_subcommand trace; and __fish_seen_subcommand_from show" -l time -d 'How to write times: relative, local, utc [default: relative on a terminal, else utc]' -r -f -a "relative\t'As ages: 12s, 4m, 3h'
local\t'In the local time zone'
utc\t'In UTC'"
complete -c tracehub -n "__fish_tracehub_using_subcommand trace; and __fish_seen_subcommand_from show" -l width -d 'Columns to fill [default: the terminal\'s]' -r
complete -c tracehub -n "__fish_tracehub_using_subcommand trace; and __fish_seen_subcommand_from show" -l attrs -d 'Print attributes below each span'
complete -c tracehub -n "__fish_tracehub_using_subcommand trace; and __fish_seen_subcommand_from show" -l expand -d 'Do not fold runs of equal spans'
complete -c tracehub -n "__fish_tracehub_using_subcommand trace; and __fish_seen_subcommand_from show" -l json -d 'Print JSON, the same as `-o json`'
complete -c tracehub -n "__fish_tracehub_using_subcommand trace; and __fish_seen_subcommand_from show" -s q -l quiet -d 'Print only ids, and no messages'
complete -c tracehub -n "__fish_tracehub_using_subcommand trace; and __fish_seen_subcommand_from show" -s v -l verbose -d 'Say more on stderr; twice for even more'
complete -c tracehub -n "__fish_tracehub_using_subcommand trace; and __fish_seen_subcommand_from show" -l ascii -d 'Draw with ASCII only'
complete -c tracehub -n "__fish_tracehub_using_subcommand trace; and __fish_seen_subcommand_from show" -l no-pager -d 'Do not page long output'
complete -c tracehub -n "__fish_tracehub_using_subcommand trace; and __fish_seen_subcommand_from show" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c tracehub -n "__fish_tracehub_using_subcommand log" -s l -l level -d 'How bad it is: trace, debug, info, warn, error, fatal' -r
complete -c tracehub -n "__fish_tracehub_using_subcommand log" -l service -d 'Which program says it [env: OTEL_SERVICE_NAME] [default: shell]' -r
complete -c tracehub -n "__fish_tracehub_using_subcommand log" -l module -d 'Which part of it' -r
complete -c tracehub -n "__fish_tracehub_using_subcommand log" -l env -d 'Where it runs, such as production' -r
complete -c tracehub -n "__fish_tracehub_using_subcommand log" -l extra -d 'A further value; numbers, true, false and null are taken as such, the rest as text' -r
complete -c tracehub -n "__fish_tracehub_using_subcommand log" -l trace -d 'The trace it belongs to [default: that of `tracehub trace current`]' -r
complete -c tracehub -n "__fish_tracehub_using_subcommand log" -l error-type -d 'The kind of error, such as TimeoutError' -r
complete -c tracehub -n "__fish_tracehub_using_subcommand log" -l stack -d 'A file with a stack trace; `-` is standard input' -r -F
complete -c tracehub -n "__fish_tracehub_using_subcommand log" -l redact -d 'Take secrets out before anything is written, by the rules in this file [env: TRACEHUB_REDACT]' -r -F
complete -c tracehub -n "__fish_tracehub_using_subcommand log" -l db -d 'Database file, or the URL of a server [env: TRACEHUB_DB]' -r -F
complete -c tracehub -n "__fish_tracehub_using_subcommand log" -l url -d 'Ask this server instead of a file [env: TRACEHUB_URL]' -r -f
complete -c tracehub -n "__fish_tracehub_using_subcommand log" -l api-key -d 'Key for the server [env: TRACEHUB_API_KEY]' -r
complete -c tracehub -n "__fish_tracehub_using_subcommand log" -l ca-cert -d 'Trust the servers whose certificates, or their authorities, are in this file [env: TRACEHUB_CA_CERT]' -r -F
complete -c tracehub -n "__fish_tracehub_using_subcommand log" -s o -l output -d 'What to print: table, json, ndjson, csv, tsv, id [default: table]' -r -f -a "table\t'For people'
json\t'One JSON document'
ndjson\t'One JSON object a line'
csv\t'Comma-separated with a header'
tsv\t'Tab-separated with a header'
id\t'Ids only'"
complete -c tracehub -n "__fish_tracehub_using_subcommand log" -l fields -d 'Print only these fields, such as `trace_id,duration_ms,tokens.input`' -r
complete -c tracehub -n "__fish_tracehub_using_subcommand log" -l color -d 'When to colour: auto, always, never' -r -f -a "auto\t'On a terminal, unless NO_COLOR and the like say otherwise'
always\t'Always'
never\t'Never'"
complete -c tracehub -n "__fish_tracehub_using_subcommand log" -l time -d 'How to write times: relative, local, utc [default: relative on a terminal, else utc]' -r -f -a "relative\t'As ages: 12s, 4m, 3h'
local\t'In the local time zone'
utc\t'In UTC'"
complete -c tracehub -n "__fish_tracehub_using_subcommand log" -l width -d 'Columns to fill [default: the terminal\'s]' -r
complete -c tracehub -n "__fish_tracehub_using_subcommand log" -l strict -d 'Fail when the record is not stored: 4 if the key is refused, else 3'
complete -c tracehub -n "__fish_tracehub_using_subcommand log" -l json -d 'Print JSON, the same as `-o json`'
complete -c tracehub -n "__fish_tracehub_using_subcommand log" -s q -l quiet -d 'Print only ids, and no messages'
complete -c tracehub -n "__fish_tracehub_using_subcommand log" -s v -l verbose -d 'Say more on stderr; twice for even more'
complete -c tracehub -n "__fish_tracehub_using_subcommand log" -l ascii -d 'Draw with ASCII only'
complete -c tracehub -n "__fish_tracehub_using_subcommand log" -l no-pager -d 'Do not page long output'
complete -c tracehub -n "__fish_tracehub_using_subcommand log" -s h -l help -d 'Print help'
complete -c tracehub -n "__fish_tracehub_using_subcommand demo" -l db -d 'Database file, or the URL of a server [env: TRACEHUB_DB]' -r -F
complete -c tracehub -n "__fish_tracehub_using_subcommand demo" -l url -d 'Ask this server instead of a file [env: TRACEHUB_URL]' -r -f
complete -c tracehub -n "__fish_tracehub_using_subcommand demo" -l api-key -d 'Key for the server [env: TRACEHUB_API_KEY]' -r
complete -c tracehub -n "__fish_tracehub_using_subcommand demo" -l ca-cert -d 'Trust the servers whose certificates, or their authorities, are in this file [env: TRACEHUB_CA_CERT]' -r -F
complete -c tracehub -n "__fish_tracehub_using_subcommand demo" -s o -l output -d 'What to print: table, json, ndjson, csv, tsv, id [default: table]' -r -f -a "table\t'For people'
json\t'One JSON document'
ndjson\t'One JSON object a line'
csv\t'Comma-separated with a header'
tsv\t'Tab-separated with a header'
id\t'Ids only'"
complete -c tracehub -n "__fish_tracehub_using_subcommand demo" -l fields -d 'Print only these fields, such as `trace_id,duration_ms,tokens.input`' -r
complete -c tracehub -n "__fish_tracehub_using_subcommand demo" -l color -d 'When to colour: auto, always, never' -r -f -a "auto\t'On a terminal, unless NO_COLOR and the like say otherwise'
always\t'Always'
never\t'Never'"
complete -c tracehub -n "__fish_tracehub_using_subcommand demo" -l time -d 'How to write times: relative, local, utc [default: relative on a terminal, else utc]' -r -f -a "relative\t'As ages: 12s, 4m, 3h'
local\t'In the local time zone'
utc\t'In UTC'"
complete -c tracehub -n "__fish_tracehub_using_subcommand demo" -l width -d 'Columns to fill [default: the terminal\'s]' -r
complete -c tracehub -n "__fish_tracehub_using_subcommand demo" -l json -d 'Print JSON, the same as `-o json`'
complete -c tracehub -n "__fish_tracehub_using_subcommand demo" -s q -l quiet -d 'Print only ids, and no messages'
complete -c tracehub -n "__fish_tracehub_using_subcommand demo" -s v -l verbose -d 'Say more on stderr; twice for even more'
complete -c tracehub -n "__fish_tracehub_using_subcommand demo" -l ascii -d 'Draw with ASCII only'
complete -c tracehub -n "__fish_tracehub_using_subcommand demo" -l no-pager -d 'Do not page long output'
complete -c tracehub -n "__fish_tracehub_using_subcommand demo" -s h -l help -d 'Print help'
complete -c tracehub -n "__fish_tracehub_using_subcommand doctor" -l redact -d 'Look for what these rules find, not for all kinds of secrets [env: TRACEHUB_REDACT]' -r -F
complete -c tracehub -n "__fish_tracehub_using_subcommand doctor" -l db -d 'Database file, or the URL of a server [env: TRACEHUB_DB]' -r -F
complete -c tracehub -n "__fish_tracehub_using_subcommand doctor" -l url -d 'Ask this server instead of a file [env: TRACEHUB_URL]' -r -f
complete -c tracehub -n "__fish_tracehub_using_subcommand doctor" -l api-key -d 'Key for the server [env: TRACEHUB_API_KEY]' -r
complete -c tracehub -n "__fish_tracehub_using_subcommand doctor" -l ca-cert -d 'Trust the servers whose certificates, or their authorities, are in this file [env: TRACEHUB_CA_CERT]' -r -F
complete -c tracehub -n "__fish_tracehub_using_subcommand doctor" -s o -l output -d 'What to print: table, json, ndjson, csv, tsv, id [default: table]' -r -f -a "table\t'For people'
json\t'One JSON document'
ndjson\t'One JSON object a line'
csv\t'Comma-separated with a header'
tsv\t'Tab-separated with a header'
id\t'Ids only'"
complete -c tracehub -n "__fish_tracehub_using_subcommand doctor" -l fields -d 'Print only these fields, such as `trace_id,duration_ms,tokens.input`' -r
complete -c tracehub -n "__fish_tracehub_using_subcommand doctor" -l color -d 'When to colour: auto, always, never' -r -f -a "auto\t'On a terminal, unless NO_COLOR and the like say otherwise'
always\t'Always'
never\t'Never'"
complete -c tracehub -n "__fish_tracehub_using_subcommand doctor" -l time -d 'How to write times: relative, local, utc [default: relative on a terminal, else utc]' -r -f -a "relative\t'As ages: 12s, 4m, 3h'
local\t'In the local time zone'
utc\t'In UTC'"
complete -c tracehub -n "__fish_tracehub_using_subcommand doctor" -l width -d 'Columns to fill [default: the terminal\'s]' -r
complete -c tracehub -n "__fish_tracehub_using_subcommand doctor" -l secrets -d 'Look for secrets in all that is stored'
complete -c tracehub -n "__fish_tracehub_using_subcommand doctor" -l json -d 'Print JSON, the same as `-o json`'
complete -c tracehub -n "__fish_tracehub_using_subcommand doctor" -s q -l quiet -d 'Print only ids, and no messages'
complete -c tracehub -n "__fish_tracehub_using_subcommand doctor" -s v -l verbose -d 'Say more on stderr; twice for even more'
complete -c tracehub -n "__fish_tracehub_using_subcommand doctor" -l ascii -d 'Draw with ASCII only'
complete -c tracehub -n "__fish_tracehub_using_subcommand doctor" -l no-pager -d 'Do not page long output'
complete -c tracehub -n "__fish_tracehub_using_subcommand doctor" -s h -l help -d 'Print help'
complete -c tracehub -n "__fish_tracehub_using_subcommand soak" -l duration -d 'How long to write, such as 90s or 10m; `off` until Ctrl-C' -r
complete -c tracehub -n "__fish_tracehub_using_subcommand soak" -l connections -d 'How many connections write at once' -r
complete -c tracehub -n "__fish_tracehub_using_subcommand soak" -l db -d 'Database file, or the URL of a server [env: TRACEHUB_DB]' -r -F
complete -c tracehub -n "__fish_tracehub_using_subcommand soak" -l url -d 'Ask this server instead of a file [env: TRACEHUB_URL]' -r -f
complete -c tracehub -n "__fish_tracehub_using_subcommand soak" -l api-key -d 'Key for the server [env: TRACEHUB_API_KEY]' -r
complete -c tracehub -n "__fish_tracehub_using_subcommand soak" -l ca-cert -d 'Trust the servers whose certificates, or their authorities, are in this file [env: TRACEHUB_CA_CERT]' -r -F
complete -c tracehub -n "__fish_tracehub_using_subcommand soak" -s o -l output -d 'What to print: table, json, ndjson, csv, tsv, id [default: table]' -r -f -a "table\t'For people'
json\t'One JSON document'
ndjson\t'One JSON object a line'
csv\t'Comma-separated with a header'
tsv\t'Tab-separated with a header'
id\t'Ids only'"
complete -c tracehub -n "__fish_tracehub_using_subcommand soak" -l fields -d 'Print only these fields, such as `trace_id,duration_ms,tokens.input`' -r
complete -c tracehub -n "__fish_tracehub_using_subcommand soak" -l color -d 'When to colour: auto, always, never' -r -f -a "auto\t'On a terminal, unless NO_COLOR and the like say otherwise'
always\t'Always'
never\t'Never'"
complete -c tracehub -n "__fish_tracehub_using_subcommand soak" -l time -d 'How to write times: relative, local, utc [default: relative on a terminal, else utc]' -r -f -a "relative\t'As ages: 12s, 4m, 3h'
local\t'In the local time zone'
utc\t'In UTC'"
complete -c tracehub -n "__fish_tracehub_using_subcommand soak" -l width -d 'Columns to fill [default: the terminal\'s]' -r
complete -c tracehub -n "__fish_tracehub_using_subcommand soak" -l json -d 'Print JSON, the same as `-o json`'
complete -c tracehub -n "__fish_tracehub_using_subcommand soak" -s q -l quiet -d 'Print only ids, and no messages'
complete -c tracehub -n "__fish_tracehub_using_subcommand soak" -s v -l verbose -d 'Say more on stderr; twice for even more'
complete -c tracehub -n "__fish_tracehub_using_subcommand soak" -l ascii -d 'Draw with ASCII only'
complete -c tracehub -n "__fish_tracehub_using_subcommand soak" -l no-pager -d 'Do not page long output'
complete -c tracehub -n "__fish_tracehub_using_subcommand soak" -s h -l help -d 'Print help'
complete -c tracehub -n "__fish_tracehub_using_subcommand completions" -l db -d 'Database file, or the URL of a server [env: TRACEHUB_DB]' -r -F
complete -c tracehub -n "__fish_tracehub_using_subcommand completions" -l url -d 'Ask this server instead of a file [env: TRACEHUB_URL]' -r -f
complete -c tracehub -n "__fish_tracehub_using_subcommand completions" -l api-key -d 'Key for the server [env: TRACEHUB_API_KEY]' -r
complete -c tracehub -n "__fish_tracehub_using_subcommand completions" -l ca-cert -d 'Trust the servers whose certificates, or their authorities, are in this file [env: TRACEHUB_CA_CERT]' -r -F
complete -c tracehub -n "__fish_tracehub_using_subcommand completions" -s o -l output -d 'What to print: table, json, ndjson, csv, tsv, id [default: table]' -r -f -a "table\t'For people'
json\t'One JSON document'
ndjson\t'One JSON object a line'
csv\t'Comma-separated with a header'
tsv\t'Tab-separated with a header'
id\t'Ids only'"
complete -c tracehub -n "__fish_tracehub_using_subcommand completions" -l fields -d 'Print only these fields, such as `trace_id,duration_ms,tokens.input`' -r
complete -c tracehub -n "__fish_tracehub_using_subcommand completions" -l color -d 'When to colour: auto, always, never' -r -f -a "auto\t'On a terminal, unless NO_COLOR and the like say otherwise'
always\t'Always'
never\t'Never'"
complete -c tracehub -n "__fish_tracehub_using_subcommand completions" -l time -d 'How to write times: relative, local, utc [default: relative on a terminal, else utc]' -r -f -a "relative\t'As ages: 12s, 4m, 3h'
local\t'In the local time zone'
utc\t'In UTC'"
complete -c tracehub -n "__fish_tracehub_using_subcommand completions" -l width -d 'Columns to fill [default: the terminal\'s]' -r
complete -c tracehub -n "__fish_tracehub_using_subcommand completions" -l json -d 'Print JSON, the same as `-o json`'
complete -c tracehub -n "__fish_tracehub_using_subcommand completions" -s q -l quiet -d 'Print only ids, and no messages'
complete -c tracehub -n "__fish_tracehub_using_subcommand completions" -s v -l verbose -d 'Say more on stderr; twice for even more'
complete -c tracehub -n "__fish_tracehub_using_subcommand completions" -l ascii -d 'Draw with ASCII only'
complete -c tracehub -n "__fish_tracehub_using_subcommand completions" -l no-pager -d 'Do not page long output'
complete -c tracehub -n "__fish_tracehub_using_subcommand completions" -s h -l help -d 'Print help'
complete -c tracehub -n "__fish_tracehub_using_subcommand man" -l db -d 'Database file, or the URL of a server [env: TRACEHUB_DB]' -r -F
complete -c tracehub -n "__fish_tracehub_using_subcommand man" -l url -d 'Ask this server instead of a file [env: TRACEHUB_URL]' -r -f
complete -c tracehub -n "__fish_tracehub_using_subcommand man" -l api-key -d 'Key for the server [env: TRACEHUB_API_KEY]' -r
complete -c tracehub -n "__fish_tracehub_using_subcommand man" -l ca-cert -d 'Trust the servers whose certificates, or their authorities, are in this file [env: TRACEHUB_CA_CERT]' -r -F
complete -c tracehub -n "__fish_tracehub_using_subcommand man" -s o -l output -d 'What to print: table, json, ndjson, csv, tsv, id [default: table]' -r -f -a "table\t'For people'
json\t'One JSON document'
ndjson\t'One JSON object a line'
csv\t'Comma-separated with a header'
tsv\t'Tab-separated with a header'
id\t'Ids only'"
complete -c tracehub -n "__fish_tracehub_using_subcommand man" -l fields -d 'Print only these fields, such as `trace_id,duration_ms,tokens.input`' -r
complete -c tracehub -n "__fish_tracehub_using_subcommand man" -l color -d 'When to colour: auto, always, never' -r -f -a "auto\t'On a terminal, unless NO_COLOR and the like say otherwise'
always\t'Always'
never\t'Never'"
complete -c tracehub -n "__fish_tracehub_using_subcommand man" -l time -d 'How to write times: relative, local, utc [default: relative on a terminal, else utc]' -r -f -a "relative\t'As ages: 12s, 4m, 3h'
local\t'In the local time zone'
utc\t'In UTC'"
complete -c tracehub -n "__fish_tracehub_using_subcommand man" -l width -d 'Columns to fill [default: the terminal\'s]' -r
complete -c tracehub -n "__fish_tracehub_using_subcommand man" -l json -d 'Print JSON, the same as `-o json`'
complete -c tracehub -n "__fish_tracehub_using_subcommand man" -s q -l quiet -d 'Print only ids, and no messages'
complete -c tracehub -n "__fish_tracehub_using_subcommand man" -s v -l verbose -d 'Say more on stderr; twice for even more'
complete -c tracehub -n "__fish_tracehub_using_subcommand man" -l ascii -d 'Draw with ASCII only'
complete -c tracehub -n "__fish_tracehub_using_subcommand man" -l no-pager -d 'Do not page long output'
complete -c tracehub -n "__fish_tracehub_using_subcommand man" -s h -l help -d 'Print help'
complete -c tracehub -n "__fish_tracehub_using_subcommand filters" -l db -d 'Database file, or the URL of a server [env: TRACEHUB_DB]' -r -F
complete -c tracehub -n "__fish_tracehub_using_subcommand filters" -l url -d 'Ask this server instead of a file [env: TRACEHUB_URL]' -r -f
complete -c tracehub -n "__fish_tracehub_using_subcommand filters" -l api-key -d 'Key for the server [env: TRACEHUB_API_KEY]' -r
complete -c tracehub -n "__fish_tracehub_using_subcommand filters" -l ca-cert -d 'Trust the servers whose certificates, or their authorities, are in this file [env: TRACEHUB_CA_CERT]' -r -F
complete -c tracehub -n "__fish_tracehub_using_subcommand filters" -s o -l output -d 'What to print: table, json, ndjson, csv, tsv, id [default: table]' -r -f -a "table\t'For people'
json\t'One JSON document'
ndjson\t'One JSON object a line'
csv\t'Comma-separated with a header'
tsv\t'Tab-separated with a header'
id\t'Ids only'"
complete -c tracehub -n "__fish_tracehub_using_subcommand filters" -l fields -d 'Print only these fields, such as `trace_id,duration_ms,tokens.input`' -r
complete -c tracehub -n "__fish_tracehub_using_subcommand filters" -l color -d 'When to colour: auto, always, never' -r -f -a "auto\t'On a terminal, unless NO_COLOR and the like say otherwise'
always\t'Always'
never\t'Never'"
complete -c tracehub -n "__fish_tracehub_using_subcommand filters" -l time -d 'How to write times: relative, local, utc [default: relative on a terminal, else utc]' -r -f -a "relative\t'As ages: 12s, 4m, 3h'
local\t'In the local time zone'
utc\t'In UTC'"
complete -c tracehub -n "__fish_tracehub_using_subcommand filters" -l width -d 'Columns to fill [default: the terminal\'s]' -r
complete -c tracehub -n "__fish_tracehub_using_subcommand filters" -l json -d 'Print JSON, the same as `-o json`'
complete -c tracehub -n "__fish_tracehub_using_subcommand filters" -s q -l quiet -d 'Print only ids, and no messages'
complete -c tracehub -n "__fish_tracehub_using_subcommand filters" -s v -l verbose -d 'Say more on stderr; twice for even more'
complete -c tracehub -n "__fish_tracehub_using_subcommand filters" -l ascii -d 'Draw with ASCII only'
complete -c tracehub -n "__fish_tracehub_using_subcommand filters" -l no-pager -d 'Do not page long output'
complete -c tracehub -n "__fish_tracehub_using_subcommand filters" -s h -l help -d 'Print help'
