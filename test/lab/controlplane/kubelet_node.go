package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"runtime"
	"time"

	coordination "k8s.io/api/coordination/v1"
	v1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/component-base/version"
	"k8s.io/component-helpers/apimachinery/lease"
	nodehelpers "k8s.io/component-helpers/node/util"
	"k8s.io/klog/v2"
	"k8s.io/utils/clock"
)

const statusAtLeastEvery = 5 * time.Minute

// register makes the Node, or adopts the one that is there, and does not give up while the API is away.
func (k *kubelet) register(ctx context.Context) error {
	return wait.PollUntilContextCancel(ctx, time.Second, true, func(ctx context.Context) (bool, error) {
		err := k.registerOnce(ctx)
		if err != nil {
			klog.InfoS("Registering the node failed", "node", k.node, "err", err)
		}
		return err == nil, nil
	})
}

func (k *kubelet) registerOnce(ctx context.Context) error {
	nodes := k.heartbeats.CoreV1().Nodes()
	labels := map[string]string{v1.LabelHostname: k.node, v1.LabelOSStable: runtime.GOOS, v1.LabelArchStable: runtime.GOARCH}
	for key, value := range k.labels {
		labels[key] = value
	}
	node := &v1.Node{ObjectMeta: metav1.ObjectMeta{Name: k.node, Labels: labels, Annotations: k.annotations}}
	if len(k.podCIDRs) > 0 {
		node.Spec.PodCIDR, node.Spec.PodCIDRs = k.podCIDRs[0], k.podCIDRs
	}
	node.Status = k.status(node, time.Now())
	if _, err := nodes.Create(ctx, node, metav1.CreateOptions{}); !apierrors.IsAlreadyExists(err) {
		return err
	}
	patch, err := json.Marshal(map[string]any{"metadata": map[string]any{"labels": labels, "annotations": k.annotations}})
	if err != nil {
		return err
	}
	if _, err := nodes.Patch(ctx, k.node, types.MergePatchType, patch, metav1.PatchOptions{}); err != nil {
		return err
	}
	return k.reportOnce(ctx, &time.Time{})
}

// reportStatus writes the status when it changed, when somebody else changed it (the node lifecycle controller, to Unknown), and now and then anyway.
func (k *kubelet) reportStatus(ctx context.Context) {
	var last time.Time
	wait.UntilWithContext(ctx, func(ctx context.Context) {
		if err := k.reportOnce(ctx, &last); err != nil && ctx.Err() == nil {
			klog.InfoS("Reporting the node's status failed", "node", k.node, "err", err)
		}
	}, k.heartbeat)
}

func (k *kubelet) reportOnce(ctx context.Context, last *time.Time) error {
	node, err := k.heartbeats.CoreV1().Nodes().Get(ctx, k.node, metav1.GetOptions{ResourceVersion: "0"})
	if apierrors.IsNotFound(err) {
		return k.registerOnce(ctx)
	}
	if err != nil {
		return err
	}
	now := time.Now()
	status := k.status(node, now)
	if sameNodeStatus(node.Status, status) && now.Sub(*last) < statusAtLeastEvery {
		return nil
	}
	changed := node.DeepCopy()
	changed.Status = status
	if _, _, err := nodehelpers.PatchNodeStatus(k.heartbeats.CoreV1(), types.NodeName(k.node), node, changed); err != nil {
		return err
	}
	*last = now
	return nil
}

func (k *kubelet) status(node *v1.Node, now time.Time) v1.NodeStatus {
	status := *node.Status.DeepCopy()
	status.Addresses = nil
	for _, ip := range k.ips {
		status.Addresses = append(status.Addresses, v1.NodeAddress{Type: v1.NodeInternalIP, Address: ip})
	}
	status.Addresses = append(status.Addresses, v1.NodeAddress{Type: v1.NodeHostName, Address: k.node})
	status.Capacity = v1.ResourceList{
		v1.ResourceCPU:              *resource.NewQuantity(int64(runtime.NumCPU()), resource.DecimalSI),
		v1.ResourceMemory:           *resource.NewQuantity(totalMemory(), resource.BinarySI),
		v1.ResourcePods:             *resource.NewQuantity(110, resource.DecimalSI),
		v1.ResourceEphemeralStorage: resource.MustParse("10Gi"),
	}
	status.Allocatable = status.Capacity
	status.DaemonEndpoints.KubeletEndpoint.Port = int32(k.port)
	status.NodeInfo = v1.NodeSystemInfo{
		MachineID: k.node, SystemUUID: k.node, BootID: k.node, KernelVersion: kernelVersion(), OSImage: "lab", OperatingSystem: runtime.GOOS, Architecture: runtime.GOARCH,
		ContainerRuntimeVersion: "lab://1", KubeletVersion: version.Get().GitVersion,
	}
	setNodeCondition(&status, v1.NodeMemoryPressure, v1.ConditionFalse, "KubeletHasSufficientMemory", now)
	setNodeCondition(&status, v1.NodeDiskPressure, v1.ConditionFalse, "KubeletHasNoDiskPressure", now)
	setNodeCondition(&status, v1.NodePIDPressure, v1.ConditionFalse, "KubeletHasSufficientPID", now)
	setNodeCondition(&status, v1.NodeReady, v1.ConditionTrue, "KubeletReady", now)
	return status
}

func setNodeCondition(status *v1.NodeStatus, kind v1.NodeConditionType, value v1.ConditionStatus, reason string, now time.Time) {
	wanted := v1.NodeCondition{Type: kind, Status: value, Reason: reason, LastHeartbeatTime: metav1.NewTime(now), LastTransitionTime: metav1.NewTime(now)}
	for i, there := range status.Conditions {
		if there.Type == kind {
			if there.Status == value {
				wanted.LastTransitionTime = there.LastTransitionTime
			}
			status.Conditions[i] = wanted
			return
		}
	}
	status.Conditions = append(status.Conditions, wanted)
}

// sameNodeStatus compares what a status says, heartbeat times aside.
func sameNodeStatus(a, b v1.NodeStatus) bool {
	text := func(status v1.NodeStatus) string {
		status = *status.DeepCopy()
		for i := range status.Conditions {
			status.Conditions[i].LastHeartbeatTime = metav1.Time{}
		}
		encoded, _ := json.Marshal(status)
		return string(encoded)
	}
	return text(a) == text(b)
}

// renewLease is the real kubelet's own controller; after repeated failures it hangs up, as the real one does, so that a dead connection is not trusted for minutes.
func (k *kubelet) renewLease(ctx context.Context) {
	controller := lease.NewController(clock.RealClock{}, k.heartbeats, k.node, int32(k.leaseDuration.Seconds()), k.hangUp, k.heartbeat, k.node, v1.NamespaceNodeLease,
		func(l *coordination.Lease) error {
			if len(l.OwnerReferences) > 0 {
				return nil
			}
			node, err := k.heartbeats.CoreV1().Nodes().Get(ctx, k.node, metav1.GetOptions{})
			if err != nil {
				return err
			}
			l.OwnerReferences = []metav1.OwnerReference{{APIVersion: "v1", Kind: "Node", Name: k.node, UID: node.UID}}
			return nil
		})
	controller.Run(ctx)
}

func kernelVersion() string {
	release, _ := os.ReadFile("/proc/sys/kernel/osrelease")
	return string(trimNewline(release))
}

func totalMemory() int64 {
	file, err := os.Open("/proc/meminfo")
	if err != nil {
		return 0
	}
	defer file.Close()
	var kib int64
	if _, err := fmt.Fscanf(file, "MemTotal: %d kB", &kib); err != nil {
		return 0
	}
	return kib * 1024
}

func trimNewline(text []byte) []byte {
	for len(text) > 0 && text[len(text)-1] == '\n' {
		text = text[:len(text)-1]
	}
	return text
}
