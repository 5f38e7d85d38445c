// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

// The front of a BullMQ user: answers 202, and tells how a job stands.
import Fastify from "fastify";
import { Queue } from "bullmq";

const connection = { host: "127.0.0.1", port: Number(process.env.REDIS_PORT) };
const queue = new Queue("noop", { connection });
const front = Fastify();

front.post("/v1/jobs", async (request, reply) => {
  const { type, payload } = request.body;
  const job = await queue.add(type, payload, { attempts: 3 });
  return reply.code(202).header("Location", `/v1/jobs/${job.id}`).send({ id: job.id });
});

front.get("/v1/jobs/:id", async (request, reply) => {
  const job = await queue.getJob(request.params.id);
  if (!job) return reply.code(404).send();
  return { id: job.id, state: await job.getState(), result: job.returnvalue };
});

front.get("/done", async () => ({ done: await queue.getCompletedCount() }));

await front.listen({ host: "127.0.0.1", port: Number(process.env.PORT) });
