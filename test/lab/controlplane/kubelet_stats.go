package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"strings"
	"time"

	v1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/klog/v2"
	stats "k8s.io/kubelet/pkg/apis/stats/v1alpha1"
)

// servePods lists every pod bound to this node, as the kubelet's read-write port does.
func (k *kubelet) servePods(w http.ResponseWriter, _ *http.Request) {
	list := v1.PodList{TypeMeta: metav1.TypeMeta{Kind: "PodList", APIVersion: "v1"}, Items: []v1.Pod{}}
	for _, pod := range k.pods.all() {
		list.Items = append(list.Items, *pod)
	}
	writeJSON(w, list)
}

// serveStats says what the sandbox's network and the machine's processors and memory are. Host-networked pods have no
// network of their own to report, as in the real kubelet.
func (k *kubelet) serveStats(w http.ResponseWriter, _ *http.Request) {
	now := metav1.Now()
	summary := stats.Summary{
		Node: stats.NodeStats{NodeName: k.node, StartTime: k.started, Network: networkStats(now), Memory: memoryStats(now), CPU: cpuStats(now)},
		Pods: []stats.PodStats{},
	}
	for _, pod := range k.pods.all() {
		of := stats.PodStats{PodRef: stats.PodReference{Name: pod.Name, Namespace: pod.Namespace, UID: string(pod.UID)}, StartTime: pod.CreationTimestamp}
		for _, c := range pod.Status.ContainerStatuses {
			if c.State.Running != nil {
				of.Containers = append(of.Containers, stats.ContainerStats{Name: c.Name, StartTime: c.State.Running.StartedAt})
			}
		}
		summary.Pods = append(summary.Pods, of)
	}
	writeJSON(w, summary)
}

// ignoredInterfaces are those cAdvisor leaves out (utils/sysinfo), so that a real kubelet never reports them either.
var ignoredInterfaces = []string{"lo", "veth", "docker", "nerdctl"}

func networkStats(now metav1.Time) *stats.NetworkStats {
	network := &stats.NetworkStats{Time: now, Interfaces: []stats.InterfaceStats{}}
	table, err := os.ReadFile("/proc/thread-self/net/dev")
	if err != nil {
		return network
	}
	for line := range strings.Lines(string(table)) {
		name, counters, found := strings.Cut(strings.TrimSpace(line), ":")
		if !found || ignoredInterface(name) {
			continue
		}
		var rx, rxErrors, tx, txErrors, other uint64
		if _, err := fmt.Sscan(counters, &rx, &other, &rxErrors, &other, &other, &other, &other, &other, &tx, &other, &txErrors); err != nil {
			continue
		}
		one := stats.InterfaceStats{Name: name, RxBytes: &rx, RxErrors: &rxErrors, TxBytes: &tx, TxErrors: &txErrors}
		// "eth0" is written into the kubelet (pkg/kubelet/stats/helper.go): a node whose NIC has another name has no default interface here.
		if name == "eth0" {
			network.InterfaceStats = one
		}
		network.Interfaces = append(network.Interfaces, one)
	}
	return network
}

func ignoredInterface(name string) bool {
	for _, prefix := range ignoredInterfaces {
		if strings.HasPrefix(name, prefix) {
			return true
		}
	}
	return false
}

func memoryStats(now metav1.Time) *stats.MemoryStats {
	file, err := os.ReadFile("/proc/meminfo")
	if err != nil {
		return nil
	}
	kib := map[string]uint64{}
	for scanner := bufio.NewScanner(bytes.NewReader(file)); scanner.Scan(); {
		name, text, _ := strings.Cut(scanner.Text(), ":")
		var value uint64
		_, _ = fmt.Sscan(text, &value)
		kib[name] = value
	}
	available, used := kib["MemAvailable"]*1024, (kib["MemTotal"]-kib["MemFree"])*1024
	working := (kib["MemTotal"] - kib["MemAvailable"]) * 1024
	return &stats.MemoryStats{Time: now, AvailableBytes: &available, UsageBytes: &used, WorkingSetBytes: &working}
}

// cpuStats is the machine's processor time since it started: /proc/stat counts hundredths of seconds.
func cpuStats(now metav1.Time) *stats.CPUStats {
	file, err := os.Open("/proc/stat")
	if err != nil {
		return nil
	}
	defer file.Close()
	var user, nice, system uint64
	if _, err := fmt.Fscanf(file, "cpu %d %d %d", &user, &nice, &system); err != nil {
		return nil
	}
	nanoseconds := (user + nice + system) * uint64(10*time.Millisecond)
	return &stats.CPUStats{Time: now, UsageCoreNanoSeconds: &nanoseconds}
}

func writeJSON(w http.ResponseWriter, value any) {
	w.Header().Set("Content-Type", "application/json")
	if err := json.NewEncoder(w).Encode(value); err != nil {
		klog.InfoS("A client went away before its answer was written", "err", err)
	}
}
