{{- /* Configuration files, written from values. What the chart itself decides (ports, paths) is not up to values. */ -}}

{{- /*
The most brokers that may spend within one window of a minute: during a rollout every broker that drains, and its
successor. Kubernetes does not count pods that are going away, so a surge of one is no bound.
*/ -}}
{{- define "lakegate.maxBrokers" -}}
{{ mul 2 (int .Values.broker.replicas) }}
{{- end -}}

{{- define "lakegate.shared" -}}
[store]
{{- if .Values.redis.url }}
kind = "redis"
url = {{ toJson .Values.redis.url }}
username = {{ toJson .Values.redis.username }}
password_file = "/etc/lakegate/redis/password"
ca = "/etc/lakegate/redis/ca.crt"
prefix = {{ toJson .Values.redis.prefix }}
wait_replicas = {{ .Values.redis.waitReplicas }}
{{- if .Values.redis.clientCertificate }}
client_certificate = "/etc/lakegate/redis/tls.crt"
client_key = "/etc/lakegate/redis/tls.key"
{{- end }}
{{- else }}
{{- if .Values.generator.enabled }}
{{- fail "redis.url is empty: name a Redis or Valkey that brokers and generator share, or set generator.enabled to false and let each broker keep an embedded store of its own" }}
{{- end }}
kind = "embedded"
path = "/var/lib/lakegate/tokens.redb"
{{- end }}

{{- with .Values.sealing }}
{{- if .ring }}

[sealing]
ring = {{ printf "/etc/lakegate/sealing/%s" .ring | toJson }}
{{- else }}

[sealing.current]
id = {{ int .current.id }}
file = {{ printf "/etc/lakegate/sealing/%s" .current.key | toJson }}
{{- if .previous }}

[sealing.previous]
id = {{ int .previous.id }}
file = {{ printf "/etc/lakegate/sealing/%s" .previous.key | toJson }}
{{- end }}
{{- end }}
{{- end }}
{{- range .Values.storages }}

[[storages]]
id = {{ toJson .id }}
sts_calls_per_minute = {{ int (default 6000 .stsCallsPerMinute) }}
{{- with .canary }}
canary = {{ toJson . }}
{{- end }}
{{- with .budget }}
budget = {{ toJson . }}
{{- end }}
{{- with .stsRegion }}
sts_region = {{ toJson . }}
{{- end }}
{{- with .universeDomain }}
universe_domain = {{ toJson . }}
{{- end }}
{{- $base := `base = "metadata-server"` }}
{{- if .key }}
{{- $base = printf "key_file = %s" (printf "/etc/lakegate/source/%s" .key | toJson) }}
{{- end }}
{{- if .impersonate }}
source = { kind = "impersonation", {{ $base }}, account = {{ toJson .impersonate }} }
{{- else if .key }}
source = { kind = "key-file", path = {{ printf "/etc/lakegate/source/%s" .key | toJson }} }
{{- else }}
source = { kind = "metadata-server" }
{{- end }}
{{- end }}
{{- end -}}

{{- define "lakegate.hasLists" -}}
{{- range .Values.broker.authorities }}{{ if not (kindIs "string" .revocation) }}yes{{ end }}{{ end }}
{{- end -}}

{{- define "lakegate.brokerConfig" -}}
{{- if and (gt (len .Values.broker.authorities) 1) (empty .Values.identity.profiles) }}
{{- fail "broker.authorities are several and identity.profiles is empty, so each could give every name: write a profile for each authority, with authority = its name" }}
{{- end }}
listen = "0.0.0.0:{{ int .Values.broker.port }}"
admin_listen = "0.0.0.0:{{ int .Values.broker.adminPort }}"
cluster = {{ toJson .Values.cluster }}
max_brokers = {{ include "lakegate.maxBrokers" . }}
drain_notice_seconds = {{ int .Values.broker.drainNoticeSeconds }}
drain_seconds = {{ int .Values.broker.drainSeconds }}
administrators = {{ toJson .Values.broker.administrators }}
own_buckets = {{ toJson .Values.broker.ownBuckets }}

[tls]
certificate = "/etc/lakegate/tls/tls.crt"
key = "/etc/lakegate/tls/tls.key"
allow_tls12 = {{ .Values.broker.allowTls12 }}
{{- if include "lakegate.hasLists" . }}
keep_lists = "/var/lib/lakegate-lists"
{{- end }}
{{- range .Values.broker.authorities }}

[[tls.authorities]]
name = {{ toJson .name }}
file = "/etc/lakegate/tls/{{ .key }}"
{{- if kindIs "string" .revocation }}
revocation = {{ toJson .revocation }}
{{- else }}
[tls.authorities.revocation]
files = [{{ range $index, $key := .revocation.keys }}{{ if $index }}, {{ end }}"/etc/lakegate/tls/{{ $key }}"{{ end }}]
urls = {{ toJson (default (list) .revocation.urls) }}
{{- with .revocation.graceSeconds }}
grace_seconds = {{ int . }}
{{- end }}
{{- end }}
{{- end }}

{{ with .Values.identity -}}
[identity]
name_servers = {{ toJson (default list .nameServers) }}
{{- range .profiles }}

[[identity.profiles]]
name = {{ toJson .name }}
identity = {{ toJson .identity }}
kind = {{ toJson .kind }}
{{- with .authority }}
authority = {{ toJson . }}
{{- end }}
{{- with .trustDomain }}
trust_domain = {{ toJson . }}
{{- end }}
{{- with .extendedKeyUsage }}
extended_key_usage = {{ toJson . }}
{{- end }}
{{- with .policy }}
policy = {{ toJson . }}
{{- end }}
{{- with .locality }}
locality = {{ toJson . }}
{{- end }}
{{- with .projects }}
projects = {{ toJson . }}
{{- end }}
{{- with .realm }}
realm = {{ toJson . }}
{{- end }}
{{- with .namePrefix }}
name_prefix = {{ toJson . }}
{{- end }}
{{- end }}

{{ end -}}
[policy]
file = "/etc/lakegate/policy/policy.yaml"
max_stale_seconds = {{ int .Values.broker.policyMaxStaleSeconds }}
strict_stale_seconds = {{ int .Values.broker.policyStrictStaleSeconds }}

[limits]
{{- range $name, $number := .Values.broker.limits }}
{{ $name }} = {{ int64 $number }}
{{- end }}

{{- with .Values.delegation }}
{{- if .stored }}
{{- if not $.Values.redis.url }}
{{- fail "delegation.stored needs redis.url: brokers with a store of their own each would not share keys" }}
{{- end }}
[delegation]
renew_interval_seconds = {{ int64 .renewIntervalSeconds }}
max_life_seconds = {{ int64 .maxLifeSeconds }}
skew_seconds = {{ int64 .skewSeconds }}

[delegation.stored]
roll_seconds = {{ int64 (.stored.rollSeconds | default 86400) }}
distribution_seconds = {{ int64 (.stored.distributionSeconds | default 3600) }}
least_key_id = {{ int64 (.stored.leastKeyId | default 0) }}
{{- range .keys }}

[[delegation.keys]]
id = {{ int64 .id }}
file = {{ printf "/etc/lakegate/delegation/%s" .key | toJson }}
{{- end }}
{{ else if .ring }}
[delegation]
ring = {{ printf "/etc/lakegate/delegation/%s" .ring | toJson }}
renew_interval_seconds = {{ int64 .renewIntervalSeconds }}
max_life_seconds = {{ int64 .maxLifeSeconds }}
skew_seconds = {{ int64 .skewSeconds }}
hadoop_compat_grace_seconds = {{ int64 .hadoopCompatGraceSeconds }}
store_epoch = {{ int64 .storeEpoch }}

{{ include "lakegate.delegationLog" . }}
{{ else if .keys }}
{{- $ids := list }}
{{- range .keys }}
{{- $ids = append $ids (int64 .id) }}
{{- end }}
{{- if not (has (int64 .current) $ids) }}
{{- fail "delegation.current is the id of no key in delegation.keys" }}
{{- end }}
[delegation]
current = {{ int .current }}
renew_interval_seconds = {{ int64 .renewIntervalSeconds }}
max_life_seconds = {{ int64 .maxLifeSeconds }}
skew_seconds = {{ int64 .skewSeconds }}
hadoop_compat_grace_seconds = {{ int64 .hadoopCompatGraceSeconds }}
store_epoch = {{ int64 .storeEpoch }}
{{- range .keys }}

[[delegation.keys]]
id = {{ int64 .id }}
file = {{ printf "/etc/lakegate/delegation/%s" .key | toJson }}
{{- end }}

{{ include "lakegate.delegationLog" . }}
{{ end }}
{{- end }}
{{ include "lakegate.acting" . }}
{{ include "lakegate.shared" . }}
{{- end -}}

{{- define "lakegate.acting" -}}
{{- with .Values.mapping }}
[mapping]
mechanism = {{ toJson .mechanism }}
unmatched = {{ toJson .unmatched }}
across_profiles = {{ .acrossProfiles }}
{{- with .authToLocal }}
auth_to_local = {{ toJson . }}
{{- end }}
{{- with .defaultRealm }}
default_realm = {{ toJson . }}
{{- end }}

[mapping.exact]
{{- range $name, $principal := .exact }}
{{ toJson $name }} = {{ toJson $principal }}
{{- end }}

[mapping.prefix]
{{- range $begins, $to := .prefix }}
{{ toJson $begins }} = {{ toJson $to }}
{{- end }}
{{- end }}

{{- with .Values.acting }}

[acting]
{{- if .rules }}
rules = "/etc/lakegate/acting/acting.toml"
{{- end }}
blocked = {{ toJson .blocked }}
max_stale_seconds = {{ int64 .maxStaleSeconds }}
alarm_above = {{ int64 .alarmAbove }}
address_alarm_above = {{ int64 .addressAlarmAbove }}
{{- end }}

{{- with .Values.groups }}
{{- if .file }}

[groups.file]
path = "/etc/lakegate/acting/groups.toml"
max_stale_seconds = {{ int64 .maxStaleSeconds }}
{{- with .principals }}
principals = {{ toJson . }}
{{- end }}
{{- end }}
{{- with .system }}
{{- if .enabled }}

[groups.system]
refresh_seconds = {{ int64 .refreshSeconds }}
max_stale_seconds = {{ int64 .maxStaleSeconds }}
patience_millis = {{ int64 .patienceMillis }}
{{- with .principals }}
principals = {{ toJson . }}
{{- end }}
{{- range .canaries }}

[[groups.system.canaries]]
user = {{ toJson .user }}
group = {{ toJson .group }}
{{- end }}
{{- end }}
{{- end }}
{{- end }}
{{ end -}}

{{- define "lakegate.generatorConfig" -}}
admin_listen = "0.0.0.0:{{ int .Values.generator.adminPort }}"
cluster = {{ toJson .Values.cluster }}
policy_file = "/etc/lakegate/policy/policy.yaml"
workers = {{ int .Values.generator.workers }}
own_buckets = {{ toJson .Values.broker.ownBuckets }}

{{ include "lakegate.shared" . }}
{{- end -}}

{{- define "lakegate.delegationLog" -}}
[delegation.quotas]
per_owner = {{ int64 .quotas.perOwner }}
per_real_user = {{ int64 .quotas.perRealUser }}
total = {{ int64 .quotas.total }}

[delegation.view]
follow_seconds = {{ int64 .view.followSeconds }}
max_stale_seconds = {{ int64 .view.maxStaleSeconds }}
strict_stale_seconds = {{ int64 .view.strictStaleSeconds }}
{{- end -}}
