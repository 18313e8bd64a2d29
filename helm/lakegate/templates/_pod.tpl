{{- /*
What the pods of broker and generator share: nobody's rights, a read-only root, configuration and secrets as
folders. Takes (dict "root" $ "part" "broker" "values" .Values.broker).
Folders are mounted whole, never by subPath, so that a change of a ConfigMap or Secret reaches the process.
*/ -}}
{{- define "lakegate.podSecurity" -}}
runAsNonRoot: true
runAsUser: 65532
runAsGroup: 65532
fsGroup: 65532
seccompProfile:
  type: RuntimeDefault
{{- end -}}

{{- define "lakegate.containerSecurity" -}}
allowPrivilegeEscalation: false
privileged: false
readOnlyRootFilesystem: true
capabilities:
  drop: ["ALL"]
{{- end -}}

{{- define "lakegate.probes" -}}
startupProbe:
  httpGet: { path: /livez, port: admin }
  periodSeconds: 2
  failureThreshold: 60
livenessProbe:
  httpGet: { path: /livez, port: admin }
  periodSeconds: 10
  timeoutSeconds: 2
  failureThreshold: 3
readinessProbe:
  httpGet: { path: /readyz, port: admin }
  periodSeconds: 5
  timeoutSeconds: 2
  failureThreshold: 2
{{- end -}}

{{- define "lakegate.mounts" -}}
- { name: config, mountPath: /etc/lakegate/config, readOnly: true }
- { name: policy, mountPath: /etc/lakegate/policy, readOnly: true }
- { name: sealing, mountPath: /etc/lakegate/sealing, readOnly: true }
- { name: source, mountPath: /etc/lakegate/source, readOnly: true }
{{- if .Values.redis.url }}
- { name: redis, mountPath: /etc/lakegate/redis, readOnly: true }
{{- else }}
- { name: state, mountPath: /var/lib/lakegate }
{{- end }}
{{- end -}}

{{- define "lakegate.volumes" -}}
{{- $name := include "lakegate.name" .root -}}
- name: config
  configMap: { name: {{ $name }}-{{ .part }} }
- name: policy
  configMap: { name: {{ $name }}-policy }
- name: sealing
  secret: { secretName: {{ .root.Values.secrets.sealingKeys }}, defaultMode: 0440 }
- name: source
  secret: { secretName: {{ .root.Values.secrets.source }}, defaultMode: 0440 }
{{- if .root.Values.redis.url }}
- name: redis
  secret: { secretName: {{ .root.Values.secrets.redis }}, defaultMode: 0440 }
{{- else }}
- name: state
  emptyDir: { sizeLimit: {{ .values.stateSize }} }
{{- end }}
{{- end -}}
