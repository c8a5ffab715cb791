package main

import (
	"context"
	"sync"

	v1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/tools/cache"
)

// podTable holds the pods of this node: what the API says of them, and the worker that runs each.
type podTable struct {
	kubelet *kubelet
	mu      sync.Mutex
	workers map[types.UID]*podWorker
	running sync.WaitGroup
	ending  bool
	onNode  cache.Store // every pod bound to the node, ours or not
}

func newPodTable(k *kubelet) *podTable {
	return &podTable{kubelet: k, workers: map[types.UID]*podWorker{}}
}

func (t *podTable) start(ctx context.Context) {
	source := cache.NewListWatchFromClient(t.kubelet.client.CoreV1().RESTClient(), "pods", v1.NamespaceAll, fields.OneTermEqualSelector("spec.nodeName", t.kubelet.node))
	store, controller := cache.NewInformerWithOptions(cache.InformerOptions{ListerWatcher: source, ObjectType: &v1.Pod{}, Handler: cache.ResourceEventHandlerFuncs{
		AddFunc:    func(object any) { t.see(ctx, object.(*v1.Pod)) },
		UpdateFunc: func(_, object any) { t.see(ctx, object.(*v1.Pod)) },
		DeleteFunc: func(object any) {
			if lost, missed := object.(cache.DeletedFinalStateUnknown); missed {
				object = lost.Obj
			}
			if pod, ok := object.(*v1.Pod); ok {
				t.gone(pod.UID)
			}
		},
	}})
	t.mu.Lock()
	t.onNode = store
	t.mu.Unlock()
	go controller.RunWithContext(ctx)
}

// see starts a worker for a pod that is ours to run, and tells the one that runs it of every change.
func (t *podTable) see(ctx context.Context, pod *v1.Pod) {
	if !ours(pod) {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.ending {
		return
	}
	worker, known := t.workers[pod.UID]
	if !known {
		worker = newPodWorker(t.kubelet, pod)
		t.workers[pod.UID] = worker
		t.running.Add(1)
		go func() {
			defer t.running.Done()
			worker.run(ctx)
		}()
	}
	worker.see(pod)
}

// gone stops a pod whose object vanished, with no grace: that is what a forced deletion asks for.
func (t *podTable) gone(uid types.UID) {
	t.mu.Lock()
	worker := t.workers[uid]
	delete(t.workers, uid)
	t.mu.Unlock()
	if worker != nil {
		worker.vanish()
	}
}

// stopAll kills every process and waits for them.
func (t *podTable) stopAll() {
	t.mu.Lock()
	t.ending = true
	for _, worker := range t.workers {
		worker.vanish()
	}
	t.mu.Unlock()
	t.running.Wait()
}

func (t *podTable) isEnding() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.ending
}

func (t *podTable) named(namespace, name string) *podWorker {
	t.mu.Lock()
	defer t.mu.Unlock()
	var found *podWorker
	for _, worker := range t.workers {
		pod := worker.current()
		if pod.Namespace == namespace && pod.Name == name && (found == nil || pod.DeletionTimestamp == nil) {
			found = worker
		}
	}
	return found
}

// all is every pod bound to the node, with our own word on the state of those we run.
func (t *podTable) all() []*v1.Pod {
	t.mu.Lock()
	defer t.mu.Unlock()
	var pods []*v1.Pod
	if t.onNode == nil { // asked before the node was registered
		return nil
	}
	for _, object := range t.onNode.List() {
		pod, ok := object.(*v1.Pod)
		if !ok {
			continue
		}
		if worker := t.workers[pod.UID]; worker != nil {
			pod = worker.currentWithStatus()
		}
		pods = append(pods, pod)
	}
	return pods
}

// What the harness says of a pod, by annotation.
const (
	podIPs              = "lab/pod-ip"  // a pod with a network of its own that the harness made: its addresses, comma-separated
	podNetworkNamespace = "lab/netns"   // where that network is, by a path the node's sandbox can open: exec enters it
	podOutside          = "lab/outside" // a host-networked pod whose process the harness runs
)

// ours says whether this kubelet has a say in the pod: those with a network of their own are the harness's, which tells their address.
func ours(pod *v1.Pod) bool { return pod.Spec.HostNetwork || pod.Annotations[podIPs] != "" }

// isOutside says whether the pod's processes are the harness's.
func isOutside(pod *v1.Pod) bool {
	return !pod.Spec.HostNetwork || pod.Annotations[podOutside] != ""
}

// isCalicoNode says whether Felix, which the harness supervises, is this pod's process.
func isCalicoNode(pod *v1.Pod) bool {
	return pod.Spec.HostNetwork && pod.Labels["k8s-app"] == "calico-node"
}
