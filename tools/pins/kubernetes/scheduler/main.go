// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

// The kube-scheduler of Kubernetes' own module.
package main

import (
	"os"

	"k8s.io/component-base/cli"
	"k8s.io/kubernetes/cmd/kube-scheduler/app"
)

func main() { os.Exit(cli.Run(app.NewSchedulerCommand())) }
