// Where an inventory comes from: an execution or a batch. Both answer the same questions.

export const EXECUTION = {
  api: (id) => `/v1/executions/${id}/inventory`,
  home: (id) => ({ href: `#/executions/${id}`, text: "Execution" }),
  charts: (id) => `#/inventories/${id}`,
  made: (id) => ({ execution_id: id }),
}

export const BATCH = {
  api: (id) => `/v1/batches/${id}/inventory`,
  home: (id) => ({ href: `#/batches/${id}`, text: "Batch" }),
  charts: (id) => `#/batches/${id}/inventory`,
  made: (id) => ({ batch_id: id }),
}
