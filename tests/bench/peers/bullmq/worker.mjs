// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

import { Worker } from "bullmq";

const connection = { host: "127.0.0.1", port: Number(process.env.REDIS_PORT) };
new Worker("noop", async (job) => job.data, { connection, concurrency: 64 });
