// A peer for the bench: the same children for the same resources, by controller-runtime with 16 workers.
// It applies on the server side, skips what a hash annotation says is applied already, and writes the same status.
package main

import (
	"context"
	"encoding/json"
	"flag"
	"os"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime/schema"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller"
	"sigs.k8s.io/controller-runtime/pkg/handler"
	"sigs.k8s.io/controller-runtime/pkg/log/zap"
	metrics "sigs.k8s.io/controller-runtime/pkg/metrics/server"
)

const hash = "datalake.projectescape.eu/applied-hash"

var owner = schema.GroupVersionKind{Group: "datalake.projectescape.eu", Version: "v1alpha1", Kind: "XCacheNode"}

type reconciler struct {
	client    client.Client
	templates string // JSON list of children of a resource named xnamex in namespace xspacex with uid xuidx
}

func (r *reconciler) Reconcile(ctx context.Context, request ctrl.Request) (ctrl.Result, error) {
	node := &unstructured.Unstructured{}
	node.SetGroupVersionKind(owner)
	if err := r.client.Get(ctx, request.NamespacedName, node); err != nil {
		return ctrl.Result{}, client.IgnoreNotFound(err)
	}
	replacer := strings.NewReplacer("xspacex", node.GetNamespace(), "xnamex", node.GetName(), "xuidx", string(node.GetUID()))
	var children []map[string]any
	if err := json.Unmarshal([]byte(replacer.Replace(r.templates)), &children); err != nil {
		return ctrl.Result{}, err
	}
	for _, content := range children {
		if err := r.apply(ctx, &unstructured.Unstructured{Object: content}); err != nil {
			return ctrl.Result{}, err
		}
	}
	return ctrl.Result{}, r.status(ctx, node)
}

func (r *reconciler) apply(ctx context.Context, child *unstructured.Unstructured) error {
	live := &unstructured.Unstructured{}
	live.SetGroupVersionKind(child.GroupVersionKind())
	err := r.client.Get(ctx, client.ObjectKeyFromObject(child), live)
	if err == nil && live.GetAnnotations()[hash] == child.GetAnnotations()[hash] {
		return nil
	}
	if err != nil && !errors.IsNotFound(err) {
		return err
	}
	return r.client.Apply(ctx, client.ApplyConfigurationFromUnstructured(child), client.FieldOwner("peer"), client.ForceOwnership)
}

func (r *reconciler) status(ctx context.Context, node *unstructured.Unstructured) error {
	observed, _, _ := unstructured.NestedInt64(node.Object, "status", "observedGeneration")
	if observed == node.GetGeneration() {
		return nil
	}
	patch := &unstructured.Unstructured{Object: map[string]any{
		"metadata": map[string]any{"name": node.GetName(), "namespace": node.GetNamespace()},
		"status": map[string]any{
			"observedGeneration": node.GetGeneration(),
			"conditions": []any{map[string]any{
				"type": "Ready", "status": "False", "reason": "Starting", "message": "starts",
				"observedGeneration": node.GetGeneration(), "lastTransitionTime": time.Now().UTC().Format(time.RFC3339),
			}},
		},
	}}
	patch.SetGroupVersionKind(owner)
	return r.client.Status().Apply(ctx, client.ApplyConfigurationFromUnstructured(patch), client.FieldOwner("peer"), client.ForceOwnership)
}

func must(err error) {
	if err != nil {
		ctrl.Log.Error(err, "the peer ends")
		os.Exit(1)
	}
}

func main() {
	namespace := flag.String("namespace", "", "namespace to serve")
	templates := flag.String("templates", "", "file with the children")
	flag.Parse()
	ctrl.SetLogger(zap.New())
	text, err := os.ReadFile(*templates)
	must(err)
	config := ctrl.GetConfigOrDie()
	config.QPS = -1
	managed := labels.SelectorFromSet(labels.Set{"app.kubernetes.io/managed-by": "datalake-operator"})
	kinds := []schema.GroupVersionKind{
		{Version: "v1", Kind: "ServiceAccount"}, {Version: "v1", Kind: "ConfigMap"},
		{Version: "v1", Kind: "PersistentVolumeClaim"}, {Version: "v1", Kind: "Service"},
		{Group: "apps", Version: "v1", Kind: "StatefulSet"},
	}
	byObject := map[client.Object]cache.ByObject{}
	objects := make([]client.Object, 0, len(kinds))
	for _, kind := range kinds {
		object := &unstructured.Unstructured{}
		object.SetGroupVersionKind(kind)
		objects = append(objects, object)
		byObject[object] = cache.ByObject{Label: managed}
	}
	manager, err := ctrl.NewManager(config, ctrl.Options{
		Cache:   cache.Options{DefaultNamespaces: map[string]cache.Config{*namespace: {}}, ByObject: byObject},
		Client:  client.Options{Cache: &client.CacheOptions{Unstructured: true}},
		Metrics: metrics.Options{BindAddress: "0"},
	})
	must(err)
	node := &unstructured.Unstructured{}
	node.SetGroupVersionKind(owner)
	builder := ctrl.NewControllerManagedBy(manager).For(node).WithOptions(controller.Options{MaxConcurrentReconciles: 16})
	for _, object := range objects {
		builder = builder.Watches(object, handler.EnqueueRequestForOwner(manager.GetScheme(), manager.GetRESTMapper(), node, handler.OnlyControllerOwner()))
	}
	must(builder.Complete(&reconciler{client: manager.GetClient(), templates: string(text)}))
	must(manager.Start(ctrl.SetupSignalHandler()))
}
