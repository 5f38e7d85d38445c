{{/* Copyright 2026 The Buzzer Authors. SPDX-License-Identifier: Apache-2.0 */}}

{{/* By CPU. (dict "root" $ "component" "frontend" "part" .Values.frontend) */}}
{{- define "buzzer.cpuAutoscaler" -}}
{{- $scaling := .part.autoscaling -}}
{{- if $scaling.enabled -}}
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata:
  name: {{ include "buzzer.fullname" .root }}-{{ .component }}
  labels:
    {{- include "buzzer.labels" (list .root .component) | nindent 4 }}
spec:
  scaleTargetRef:
    apiVersion: apps/v1
    kind: Deployment
    name: {{ include "buzzer.fullname" .root }}-{{ .component }}
  minReplicas: {{ $scaling.minReplicas | int }}
  maxReplicas: {{ $scaling.maxReplicas | int }}
  metrics:
    - type: Resource
      resource:
        name: cpu
        target:
          type: Utilization
          averageUtilization: {{ $scaling.targetCPUUtilizationPercentage | int }}
{{- end }}
{{- end -}}

{{/* Not where a pod may run alone: its node could then never be emptied.
     (dict "root" $ "component" "frontend" "name" "frontend" "part" .Values.frontend) */}}
{{- define "buzzer.podDisruptionBudget" -}}
{{- if and .part.podDisruptionBudget.enabled (gt (include "buzzer.fewest" .part | int) 1) -}}
apiVersion: policy/v1
kind: PodDisruptionBudget
metadata:
  name: {{ include "buzzer.fullname" .root }}-{{ .name }}
  labels:
    {{- include "buzzer.labels" (list .root .component) | nindent 4 }}
spec:
  maxUnavailable: {{ .part.podDisruptionBudget.maxUnavailable }}
  # A pod that is not ready protects nothing.
  unhealthyPodEvictionPolicy: AlwaysAllow
  selector:
    matchLabels:
      {{- include "buzzer.selector" (list .root .component) | nindent 6 }}
      {{- with .pool }}
      buzzer.dev/pool: {{ . }}
      {{- end }}
{{- end }}
{{- end -}}
