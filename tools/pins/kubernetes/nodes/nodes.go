// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

//go:build tools

// Package nodes pins kwok, which simulates nodes.
package nodes

import _ "sigs.k8s.io/kwok/cmd/kwok"
