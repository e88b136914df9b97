{{- define "datalake-operator.name" -}}
{{- .Values.nameOverride | default .Chart.Name | trunc 63 | trimSuffix "-" -}}
{{- end -}}

{{- define "datalake-operator.fullname" -}}
{{- $name := include "datalake-operator.name" . -}}
{{- $long := ternary .Release.Name (printf "%s-%s" .Release.Name $name) (contains $name .Release.Name) -}}
{{- .Values.fullnameOverride | default $long | trunc 63 | trimSuffix "-" -}}
{{- end -}}

{{- define "datalake-operator.serviceAccountName" -}}
{{- if .Values.serviceAccount.create -}}
{{- .Values.serviceAccount.name | default (include "datalake-operator.fullname" .) -}}
{{- else -}}
{{- required "serviceAccount.name: name the ServiceAccount to use, since serviceAccount.create is false" .Values.serviceAccount.name -}}
{{- end -}}
{{- end -}}

{{- /* Selectors are immutable: only what never changes in a release. */ -}}
{{- define "datalake-operator.selector" -}}
app.kubernetes.io/name: {{ include "datalake-operator.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{- define "datalake-operator.labels" -}}
{{ include "datalake-operator.selector" . }}
app.kubernetes.io/component: operator
app.kubernetes.io/part-of: datalake
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" | trunc 63 | trimSuffix "-" }}
{{- end -}}

{{- /* Reference of an image: {registry, repository, tag, digest}; with neither tag nor digest the name alone. */ -}}
{{- define "datalake-operator.image" -}}
{{- $tag := ternary (printf ":%s" .tag) "" (ne .tag "") -}}
{{- printf "%s/%s%s" .registry .repository (ternary (printf "@%s" .digest) $tag (ne .digest "")) -}}
{{- end -}}

{{- /* Reference of an operand's image, from (list image root): where it names no registry, the operator's. */ -}}
{{- define "datalake-operator.operandImage" -}}
{{- $image := index . 0 -}}
{{- $registry := $image.registry | default (index . 1).Values.image.registry -}}
{{- include "datalake-operator.image" (merge (dict "registry" $registry) $image) -}}
{{- end -}}

{{- define "datalake-operator.allNamespaces" -}}
{{- if has "*" .Values.watchNamespaces -}}true{{- end -}}
{{- end -}}

{{- /* What the operator may do with the resources of a namespace. docs/security.md gives the reason of each line. */ -}}
{{- define "datalake-operator.rules" -}}
- apiGroups: [datalake.projectescape.eu]
  resources: [qosprobes, rucioservers, xcachenodes]
  verbs: [get, list, watch]
- apiGroups: [datalake.projectescape.eu]
  resources: [qosprobes/status, rucioservers/status, xcachenodes/status]
  verbs: [patch]
- apiGroups: [""]
  resources: [configmaps, serviceaccounts, services]
  verbs: [create, delete, get, list, patch, watch]
- apiGroups: [""]
  resources: [persistentvolumeclaims, secrets]
  verbs: [create, get, list, patch, watch]
- apiGroups: [""]
  resources: [pods]
  verbs: [delete, list, watch]
- apiGroups: [""]
  resources: [events]
  verbs: [create]
- apiGroups: [apps]
  resources: [deployments, statefulsets]
  verbs: [create, delete, get, list, patch, watch]
- apiGroups: [batch]
  resources: [cronjobs, jobs]
  verbs: [create, delete, get, list, patch, watch]
- apiGroups: [monitoring.coreos.com]
  resources: [podmonitors]
  verbs: [create, delete, get, list, patch, watch]
- apiGroups: [networking.k8s.io]
  resources: [ingresses, networkpolicies]
  verbs: [create, delete, get, list, patch, watch]
- apiGroups: [policy]
  resources: [poddisruptionbudgets]
  verbs: [create, delete, get, list, patch, watch]
{{- end -}}

{{- /*
A CustomResourceDefinition as it stands in its file, plus annotations. It is left out when it belongs to somebody else
and already says what this chart needs: definitions are kept when a release goes, and two releases that serve two
namespaces share them, while Helm lets one release own an object.
*/ -}}
{{- define "datalake-operator.crd" -}}
{{- $text := .root.Files.Get .path -}}
{{- $name := (fromYaml $text).metadata.name -}}
{{- $hash := sha256sum $text | trunc 16 -}}
{{- $live := lookup "apiextensions.k8s.io/v1" "CustomResourceDefinition" "" $name | default dict -}}
{{- $found := dig "metadata" "annotations" (dict) $live -}}
{{- $release := get $found "meta.helm.sh/release-name" -}}
{{- $namespace := get $found "meta.helm.sh/release-namespace" -}}
{{- $ours := and (eq $release .root.Release.Name) (eq $namespace .root.Release.Namespace) -}}
{{- if or (not $live) $ours .root.Values.crds.takeOwnership }}
---
{{ regexReplaceAll "(?m)^metadata:\n" $text (printf "metadata:\n  annotations:\n    datalake.projectescape.eu/definition-hash: %q\n%s" $hash (ternary "    helm.sh/resource-policy: keep\n" "" .root.Values.crds.keep)) }}
{{- else if ne (get $found "datalake.projectescape.eu/definition-hash") $hash }}
{{- $owner := ternary (printf "belongs to Helm release %q in namespace %q" $release $namespace) "was not installed by Helm" (ne $release "") }}
{{- fail (printf "\n\nThe CustomResourceDefinition %s %s and is not the one of this chart. One of:\n  - let this release have it:  --take-ownership --set crds.takeOwnership=true\n  - upgrade that release first\n  - leave it as it is:         --set crds.enabled=false\n" $name $owner) }}
{{- end }}
{{- end -}}
