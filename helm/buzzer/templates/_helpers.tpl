{{/* Copyright 2026 The Buzzer Authors. SPDX-License-Identifier: Apache-2.0 */}}

{{/* The release's part of every name. Names of parts are added to it, so it is kept short. */}}
{{- define "buzzer.fullname" -}}
{{- if .Values.fullnameOverride -}}
{{ .Values.fullnameOverride | trunc 30 | trimSuffix "-" }}
{{- else -}}
{{- $name := default .Chart.Name .Values.nameOverride -}}
{{- if contains $name .Release.Name -}}
{{ .Release.Name | trunc 30 | trimSuffix "-" }}
{{- else -}}
{{ printf "%s-%s" .Release.Name $name | trunc 30 | trimSuffix "-" }}
{{- end -}}
{{- end -}}
{{- end -}}

{{/* What finds a part's pods; never changed by an upgrade. (list $ "frontend") */}}
{{- define "buzzer.selector" -}}
{{- $root := index . 0 -}}
app.kubernetes.io/name: {{ default $root.Chart.Name $root.Values.nameOverride }}
app.kubernetes.io/instance: {{ $root.Release.Name }}
app.kubernetes.io/component: {{ index . 1 }}
{{- end -}}

{{/* Labels of a part's objects. (list $ "frontend") */}}
{{- define "buzzer.labels" -}}
{{- $root := index . 0 -}}
{{ include "buzzer.selector" . }}
app.kubernetes.io/part-of: buzzer
app.kubernetes.io/version: {{ $root.Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ $root.Release.Service }}
helm.sh/chart: {{ printf "%s-%s" $root.Chart.Name $root.Chart.Version | replace "+" "_" }}
{{- with $root.Values.commonLabels }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{/* A pod's labels: those of its part, and its own. (list $ "frontend" .Values.frontend) */}}
{{- define "buzzer.podLabels" -}}
{{- include "buzzer.labels" . }}
{{- with (index . 2).podLabels }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{/* One of Buzzer's own images. (list $ .Values.frontend.image) */}}
{{- define "buzzer.image" -}}
{{- $root := index . 0 -}}
{{- $image := index . 1 -}}
{{- $registry := default $root.Values.image.registry $image.registry -}}
{{- $tag := default (default $root.Chart.AppVersion $root.Values.image.tag) $image.tag -}}
{{ include "buzzer.imageName" (dict "registry" $registry "repository" $image.repository "tag" $tag "digest" $image.digest) }}
{{- end -}}

{{/* An image's name, of its four parts. */}}
{{- define "buzzer.imageName" -}}
{{- with .registry }}{{ . | trimSuffix "/" }}/{{ end }}{{ .repository }}
{{- if .digest }}@{{ .digest }}{{ else }}:{{ .tag }}{{ end -}}
{{- end -}}

{{/* A part's ServiceAccount. (list "default name" .Values.frontend.serviceAccount) */}}
{{- define "buzzer.serviceAccountName" -}}
{{- default (index . 0) (index . 1).name -}}
{{- end -}}

{{/* What the restricted profile wants of a pod, and the users. (dict "user" 10001) */}}
{{- define "buzzer.podSecurityContext" -}}
runAsNonRoot: true
runAsUser: {{ .user }}
runAsGroup: {{ .user }}
fsGroup: {{ .user }}
fsGroupChangePolicy: OnRootMismatch
seccompProfile:
  type: RuntimeDefault
{{- end -}}

{{/* What the restricted profile wants of a container, and a root file system of no use. */}}
{{- define "buzzer.containerSecurityContext" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities:
  drop: [ALL]
{{- end -}}

{{/* Where a part's pods go. (dict "root" $ "component" "frontend" "part" .Values.frontend) */}}
{{- define "buzzer.scheduling" -}}
{{- with .part.nodeSelector }}
nodeSelector:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .part.tolerations }}
tolerations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .part.affinity }}
affinity:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .part.priorityClassName }}
priorityClassName: {{ . }}
{{- end }}
{{- if .part.topologySpreadConstraints }}
topologySpreadConstraints:
  {{- toYaml .part.topologySpreadConstraints | nindent 2 }}
{{- else if ne .component "state" }}
topologySpreadConstraints:
  {{- range $key := list "topology.kubernetes.io/zone" "kubernetes.io/hostname" }}
  - maxSkew: 1
    topologyKey: {{ $key }}
    whenUnsatisfiable: ScheduleAnyway
    labelSelector:
      matchLabels:
        {{- include "buzzer.selector" (list $.root $.component) | nindent 8 }}
    matchLabelKeys: [pod-template-hash]
  {{- end }}
{{- end }}
{{- end -}}

{{/* Pull secrets, for every pod. */}}
{{- define "buzzer.pullSecrets" -}}
{{- with .Values.image.pullSecrets }}
imagePullSecrets:
  {{- range . }}
  - name: {{ . }}
  {{- end }}
{{- end }}
{{- end -}}

{{/* --- The broker --- */}}

{{/* host:port of every node, with commas between them. */}}
{{- define "buzzer.brokerHosts" -}}
{{- $hosts := .Values.broker.hosts | default (list .Values.broker.host) -}}
{{- if .Values.rabbitmq.enabled }}{{ $hosts = list (printf "%s-rabbitmq" (include "buzzer.fullname" .)) }}{{ end -}}
{{- $port := include "buzzer.brokerPort" . -}}
{{- $all := list -}}
{{- range $hosts -}}
{{- $all = append $all (printf (ternary "[%s]:%s" "%s:%s" (contains ":" .)) . $port) -}}
{{- end -}}
{{ join "," $all }}
{{- end -}}

{{- define "buzzer.brokerPort" -}}
{{- if .Values.rabbitmq.enabled }}5672{{ else }}{{ .Values.broker.port | default (ternary 5671 5672 .Values.broker.tls.enabled) | int }}{{ end -}}
{{- end -}}

{{/* Without the login, which the services take from two further variables. */}}
{{- define "buzzer.brokerUrl" -}}
{{- $vhost := ternary "/" .Values.broker.vhost .Values.rabbitmq.enabled -}}
{{ ternary "amqps" "amqp" (and .Values.broker.tls.enabled (not .Values.rabbitmq.enabled)) }}://{{ include "buzzer.brokerHosts" . }}/{{ $vhost | urlquery | replace "+" "%20" }}
{{- end -}}

{{- define "buzzer.rabbitmqSecret" -}}
{{- default (printf "%s-rabbitmq" (include "buzzer.fullname" .)) .Values.rabbitmq.auth.existingSecret -}}
{{- end -}}

{{- define "buzzer.brokerEnv" -}}
{{- $secret := .Values.broker.existingSecret -}}
{{- $keys := .Values.broker.existingSecretKeys -}}
{{- if .Values.rabbitmq.enabled -}}
{{- $secret = include "buzzer.rabbitmqSecret" . -}}
{{- $keys = dict "username" "username" "password" "password" -}}
{{- end -}}
- name: BUZZER_BROKER_URL
  value: {{ include "buzzer.brokerUrl" . | quote }}
- name: BUZZER_BROKER_USERNAME
  valueFrom:
    secretKeyRef: {name: {{ $secret | quote }}, key: {{ $keys.username | quote }}}
- name: BUZZER_BROKER_PASSWORD
  valueFrom:
    secretKeyRef: {name: {{ $secret | quote }}, key: {{ $keys.password | quote }}}
{{- end -}}

{{- define "buzzer.brokerCa" -}}
{{- if and .Values.broker.tls.enabled .Values.broker.tls.caSecret (not .Values.rabbitmq.enabled) }}true{{ end -}}
{{- end -}}

{{- define "buzzer.brokerFlags" -}}
- --broker_queue_prefix={{ .Values.broker.queuePrefix }}
{{- if include "buzzer.brokerCa" . }}
- --broker_tls_ca=/etc/buzzer/broker-ca/{{ .Values.broker.tls.caKey }}
{{- end }}
{{- end -}}

{{- define "buzzer.brokerMounts" -}}
{{- if include "buzzer.brokerCa" . }}
- name: broker-ca
  mountPath: /etc/buzzer/broker-ca
  readOnly: true
{{- end }}
{{- end -}}

{{- define "buzzer.brokerVolumes" -}}
{{- if include "buzzer.brokerCa" . }}
- name: broker-ca
  secret:
    secretName: {{ .Values.broker.tls.caSecret }}
    defaultMode: 0440
    items: [{key: {{ .Values.broker.tls.caKey | quote }}, path: {{ .Values.broker.tls.caKey | quote }}}]
{{- end }}
{{- end -}}

{{/* --- Mutual TLS between the parts --- */}}

{{/* (list $ "frontend") */}}
{{- define "buzzer.tlsSecret" -}}
{{- $root := index . 0 -}}
{{- $part := index . 1 -}}
{{- if $root.Values.tls.certManager.enabled -}}
{{ include "buzzer.fullname" $root }}-{{ $part }}-tls
{{- else -}}
{{ default $root.Values.tls.existingSecret (get $root.Values.tls.existingSecrets $part) }}
{{- end -}}
{{- end -}}

{{- define "buzzer.tlsFlags" -}}
{{- if .Values.tls.enabled }}
- --tls_certificate=/etc/buzzer/tls/tls.crt
- --tls_key=/etc/buzzer/tls/tls.key
- --tls_ca=/etc/buzzer/tls/ca.crt
{{- end }}
{{- end -}}

{{- define "buzzer.tlsMounts" -}}
{{- if .Values.tls.enabled }}
- name: tls
  mountPath: /etc/buzzer/tls
  readOnly: true
{{- end }}
{{- end -}}

{{/* (list $ "frontend") */}}
{{- define "buzzer.tlsVolumes" -}}
{{- $root := index . 0 -}}
{{- if $root.Values.tls.enabled }}
- name: tls
  secret:
    secretName: {{ include "buzzer.tlsSecret" . }}
    defaultMode: 0440
{{- end }}
{{- end -}}

{{/* The kubelet's own gRPC probe speaks no TLS. (list $ "frontend" 50051) */}}
{{- define "buzzer.grpcProbe" -}}
{{- $root := index . 0 -}}
{{- if $root.Values.tls.enabled -}}
exec:
  command:
    - buzzer-health
    - --address=localhost:{{ index . 2 }}
    - --tls_server_name={{ include "buzzer.fullname" $root }}-{{ index . 1 }}
    {{- include "buzzer.tlsFlags" $root | trim | nindent 4 }}
{{- else -}}
grpc:
  port: {{ index . 2 }}
{{- end }}
{{- end -}}

{{/* --- Pools of workers --- */}}

{{/* A pool with the defaults filled in, as YAML. (list $ $pool) */}}
{{- define "buzzer.pool" -}}
{{- mergeOverwrite (deepCopy (index . 0).Values.workerDefaults) (deepCopy (index . 1)) | toYaml -}}
{{- end -}}

{{/* A duration such as 500ms, 30s, 10m or 2h in whole seconds, rounded up. */}}
{{- define "buzzer.seconds" -}}
{{- $number := regexFind "^[0-9.]+" (toString .) | float64 -}}
{{- $unit := regexReplaceAll "^[0-9.]+" (toString .) "" -}}
{{- mulf $number (get (dict "ms" 0.001 "s" 1.0 "m" 60.0 "h" 3600.0) $unit | default 0.0) | ceil | int64 -}}
{{- end -}}

{{/* The longest grace of a pool's handlers, in seconds. (10 s is the worker's own default.) */}}
{{- define "buzzer.longestGrace" -}}
{{- $longest := 0 -}}
{{- if .handlers -}}
{{- range .handlers -}}
{{- $longest = max $longest (include "buzzer.seconds" (default "10s" .grace) | int64) -}}
{{- end -}}
{{- else -}}
{{- $longest = include "buzzer.seconds" .longestGrace | int64 -}}
{{- end -}}
{{- $longest -}}
{{- end -}}

{{/* What a pod of the pool needs from the wish to end to the kill. */}}
{{- define "buzzer.neededGrace" -}}
{{- add (include "buzzer.seconds" .drainTimeout | int64) (include "buzzer.longestGrace" . | int64) 10 -}}
{{- end -}}

{{/* The queues that a pool serves, as a YAML list. */}}
{{- define "buzzer.queues" -}}
{{- $queues := default (list) .queues -}}
{{- range .handlers }}{{ $queues = append $queues (default .type .queue) }}{{ end -}}
{{- $queues | uniq | sortAlpha | toYaml -}}
{{- end -}}

{{- define "buzzer.poolIsScaled" -}}
{{- if or .autoscaling.hpa.enabled .autoscaling.keda.enabled }}true{{ end -}}
{{- end -}}

{{/* The fewest replicas of a part or a pool. */}}
{{- define "buzzer.fewest" -}}
{{- if or .autoscaling.enabled (and .autoscaling.hpa (include "buzzer.poolIsScaled" .)) -}}
{{ .autoscaling.minReplicas | int }}
{{- else -}}
{{ .replicas | int }}
{{- end -}}
{{- end -}}

{{- define "buzzer.jobsPerReplica" -}}
{{ .autoscaling.jobsPerReplica | default .slots | int }}
{{- end -}}

{{/* The YAML that the worker of a pool reads. */}}
{{- define "buzzer.workerConfig" -}}
slots: {{ .slots | int }}
drain_timeout: {{ .drainTimeout }}
state_outage_limit: {{ .stateOutageLimit }}
handlers:
  {{- range .handlers }}
  - type: {{ .type | quote }}
    kind: {{ .kind }}
    {{- with .queue }}
    queue: {{ . | quote }}
    {{- end }}
    {{- with .concurrency }}
    concurrency: {{ . | int }}
    {{- end }}
    {{- with .grace }}
    grace: {{ . }}
    {{- end }}
    {{- with .attemptTimeout }}
    attempt_timeout: {{ . }}
    {{- end }}
    {{- with .retry }}
    retry: {{ toJson . }}
    {{- end }}
    {{- with .program }}
    program:
      {{- range . }}
      - {{ . | quote }}
      {{- end }}
    {{- end }}
    {{- with .contentType }}
    content_type: {{ . | quote }}
    {{- end }}
    {{- with .workingDirectory }}
    working_directory: {{ . | quote }}
    {{- end }}
    {{- with .environment }}
    environment:
      {{- range $name, $value := . }}
      {{ $name }}: {{ $value | quote }}
      {{- end }}
    {{- end }}
  {{- end }}
{{- end -}}

{{/* Whether the pool may have no pod at all. */}}
{{- define "buzzer.poolMayBeEmpty" -}}
{{- if and .autoscaling.keda.enabled (lt (.autoscaling.minReplicas | int) 1) }}true{{ end -}}
{{- end -}}

{{/* The types that state knows before any worker announced them, as a YAML list: those of
     state.types, and those of pools that start with no pod. Without it nobody could submit
     the job that makes the first one. */}}
{{- define "buzzer.declaredTypes" -}}
{{- $types := list -}}
{{- $known := list -}}
{{- range .Values.state.types -}}
{{- $types = append $types (dict "type" .type "queue" (default .type .queue)) -}}
{{- $known = append $known .type -}}
{{- end -}}
{{- range .Values.workers -}}
{{- $pool := include "buzzer.pool" (list $ .) | fromYaml -}}
{{- if include "buzzer.poolMayBeEmpty" $pool -}}
{{- range $pool.handlers -}}
{{- if not (has .type $known) -}}
{{- $types = append $types (dict "type" .type "queue" (default .type .queue)) -}}
{{- $known = append $known .type -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- toYaml $types -}}
{{- end -}}

{{/* The type that `helm test` submits; empty: no job. */}}
{{- define "buzzer.testType" -}}
{{- $type := .Values.helmTest.jobType -}}
{{- if not $type -}}
{{- range .Values.workers -}}
{{- range .handlers -}}
{{- if and (eq .kind "demo.echo") (not $type) }}{{ $type = .type }}{{ end -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- $type -}}
{{- end -}}

{{/* --- The gateway's configuration: files/envoy.yaml with overlays, as tools/render-gateway
         puts it together --- */}}

{{- define "buzzer.envoyOverlays" -}}
{{- $overlays := list "admin_port" "metrics" -}}
{{- if .Values.gateway.hosts }}{{ $overlays = append $overlays "hosts" }}{{ end -}}
{{- if .Values.gateway.rateLimit }}{{ $overlays = append $overlays "rate_limit" }}{{ end -}}
{{- if .Values.tls.enabled }}{{ $overlays = append $overlays "frontend_tls" }}{{ end -}}
{{- toYaml $overlays -}}
{{- end -}}

{{/* The hosts that it answers for: those that are listed, those of the ways in, and the
     Service's own, which helm test and the pods of the cluster use. */}}
{{- define "buzzer.gatewayHosts" -}}
{{- $gateway := .Values.gateway -}}
{{- $hosts := list "*" -}}
{{- if $gateway.hosts -}}
{{- $hosts = $gateway.hosts -}}
{{- if $gateway.ingress.enabled }}{{ $hosts = concat $hosts $gateway.ingress.hosts }}{{ end -}}
{{- if $gateway.route.enabled }}{{ $hosts = concat $hosts $gateway.route.hostnames }}{{ end -}}
{{- $name := printf "%s-gateway" (include "buzzer.fullname" .) -}}
{{- range $suffix := list "" (printf ".%s" .Release.Namespace) (printf ".%s.svc" .Release.Namespace) (printf ".%s.svc.%s" .Release.Namespace .Values.clusterDomain) -}}
{{- $hosts = append $hosts (printf "%s%s" $name $suffix) -}}
{{- end -}}
{{- $lower := list -}}
{{- range $hosts }}{{ $lower = append $lower (lower . | trimSuffix ".") }}{{ end -}}
{{- $hosts = append ($lower | uniq) "no-host.invalid" -}}
{{- end -}}
{{- toJson $hosts -}}
{{- end -}}

{{- define "buzzer.envoyConfig" -}}
{{- $sections := dict -}}
{{- range $overlay := include "buzzer.envoyOverlays" . | fromYamlArray -}}
{{- $section := "" -}}
{{- range $line := splitList "\n" ($.Files.Get (printf "files/overlays/%s.yaml" $overlay)) -}}
{{- if regexMatch "^# \\+\\w+$" $line -}}
{{- $section = trimPrefix "# +" $line -}}
{{- else if and $section $line -}}
{{- $_ := set $sections $section (append (get $sections $section | default (list)) $line) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- $out := list -}}
{{- range $line := splitList "\n" (.Files.Get "files/envoy.yaml") -}}
{{- if regexMatch "^ *# \\+\\w+$" $line -}}
{{- $indent := regexFind "^ *" $line -}}
{{- range get $sections (regexReplaceAll "^ *# \\+" $line "") | default (list) -}}
{{- $out = append $out (printf "%s%s" $indent .) -}}
{{- end -}}
{{- else -}}
{{- $out = append $out $line -}}
{{- end -}}
{{- end -}}
{{- $frontend := printf "%s-frontend" (include "buzzer.fullname" .) -}}
{{- $text := join "\n" $out -}}
{{- range $name, $value := dict
      "ADMIN_ADDRESS" "{socket_address: {address: 127.0.0.1, port_value: 9901}}"
      "CORS_ORIGINS" (.Values.gateway.corsOrigins | default "none" | replace "\\" "\\\\" | replace "\"" "\\\"")
      "DESCRIPTOR" "/etc/buzzer/gateway/api.pb"
      "FRONTEND_HOST" (printf "%s-headless.%s.svc.%s" $frontend .Release.Namespace .Values.clusterDomain)
      "FRONTEND_PORT" "50051"
      "FRONTEND_TLS_NAME" $frontend
      "HOSTS" (include "buzzer.gatewayHosts" .)
      "LISTEN_ADDRESS" (.Values.listenHost | trimPrefix "[" | trimSuffix "]")
      "LISTEN_PORT" "8080"
      "LUA" "/etc/buzzer/gateway/rest.lua"
      "METRICS_PORT" "9104"
      "RATE_LIMIT" (.Values.gateway.rateLimit | default 0 | int | toString)
      "TLS_CA" "/etc/buzzer/tls/ca.crt"
      "TLS_CERTIFICATE" "/etc/buzzer/tls/tls.crt"
      "TLS_KEY" "/etc/buzzer/tls/tls.key" -}}
{{- $text = replace (printf "@%s@" $name) $value $text -}}
{{- end -}}
{{- $text -}}
{{- end -}}

{{/* --- Looking into the cluster --- */}}

{{/* Whether `lookup` sees this namespace: not in `helm template`, nor before the namespace is
     made. Every namespace gets this ConfigMap. */}}
{{- define "buzzer.clusterIsSeen" -}}
{{- if lookup "v1" "ConfigMap" .Release.Namespace "kube-root-ca.crt" }}true{{ end -}}
{{- end -}}
