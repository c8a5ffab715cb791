package main

import (
	"fmt"
	"os"
	"strings"

	v1 "k8s.io/api/core/v1"
	"k8s.io/kubernetes/pkg/fieldpath"
	"k8s.io/kubernetes/third_party/forked/golang/expansion"
)

// environment is the container's, as exec.Cmd takes it; what cannot be resolved was refused when the container was made.
func (c *container) environment() []string {
	variables, _ := c.variables()
	env := make([]string, 0, len(variables))
	for name, value := range variables {
		env = append(env, name+"="+value)
	}
	return env
}

// variables resolves the container's env. The PATH of the sandbox stands in for the image's; nothing else of ours is passed on.
func (c *container) variables() (map[string]string, error) {
	pod := c.worker.current()
	variables := map[string]string{"PATH": os.Getenv("PATH"), "HOME": "/root", "HOSTNAME": c.worker.kubelet.node}
	if c.spec.TTY {
		variables["TERM"] = "xterm"
	}
	if len(c.spec.EnvFrom) > 0 {
		return variables, fmt.Errorf("envFrom: the lab resolves only values and field references")
	}
	for _, wanted := range c.spec.Env {
		switch {
		case wanted.ValueFrom == nil:
			variables[wanted.Name] = expansion.Expand(wanted.Value, expansion.MappingFuncFor(variables))
		case wanted.ValueFrom.FieldRef != nil:
			value, err := c.field(pod, wanted.ValueFrom.FieldRef.FieldPath)
			if err != nil {
				return variables, fmt.Errorf("env %s: %w", wanted.Name, err)
			}
			variables[wanted.Name] = value
		default:
			return variables, fmt.Errorf("env %s: the lab resolves only values and field references", wanted.Name)
		}
	}
	return variables, nil
}

func (c *container) field(pod *v1.Pod, path string) (string, error) {
	ips := c.worker.ips()
	switch path {
	case "spec.nodeName":
		return c.worker.kubelet.node, nil
	case "spec.serviceAccountName":
		return pod.Spec.ServiceAccountName, nil
	case "status.hostIP":
		return c.worker.kubelet.ips[0], nil
	case "status.hostIPs":
		return strings.Join(c.worker.kubelet.ips, ","), nil
	case "status.podIP":
		return ips[0], nil
	case "status.podIPs":
		return strings.Join(ips, ","), nil
	}
	return fieldpath.ExtractFieldPathAsString(pod, path)
}
