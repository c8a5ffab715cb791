// The lab's control plane and node agents: one program, many names.
//
// The role is the name the program is called by, or else its first argument. Every role runs in
// a process of its own, so that the lab can freeze, kill and restart each alone.
package main

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	_ "time/tzdata"

	_ "k8s.io/component-base/logs/json/register"
	_ "k8s.io/component-base/metrics/prometheus/clientgo"
	_ "k8s.io/component-base/metrics/prometheus/version"
)

// roles maps a name to what runs under it. A role reads os.Args as a program of its own would.
var roles = map[string]func() int{
	"etcd":                    etcd,
	"fake-kubelet":            fakeKubelet,
	"kube-apiserver":          kubeAPIServer,
	"kube-controller-manager": kubeControllerManager,
	"kube-proxy":              kubeProxy,
	"kube-scheduler":          kubeScheduler,
	"kubectl":                 kubectl,
}

func main() {
	role := filepath.Base(os.Args[0])
	if _, known := roles[role]; !known && len(os.Args) > 1 {
		role, os.Args = os.Args[1], os.Args[1:]
	}
	if role == "roles" {
		fmt.Println(strings.Join(roleNames(), "\n"))
		return
	}
	run, known := roles[role]
	if !known {
		fmt.Fprintf(os.Stderr, "usage: %s ROLE [ARGUMENT...]\nroles: %s\n", filepath.Base(os.Args[0]), strings.Join(roleNames(), ", "))
		os.Exit(2)
	}
	os.Exit(run())
}

func roleNames() []string {
	names := make([]string, 0, len(roles))
	for name := range roles {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}
