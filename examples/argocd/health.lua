-- Health of RucioServer, XCacheNode and QoSProbe for Argo CD, in the order of kstatus.
local function health(status, message)
  return { status = status, message = message or "" }
end

if obj.status == nil or obj.status.observedGeneration ~= obj.metadata.generation then
  return health("Progressing", "Waiting for the operator to see this version")
end

local conditions = {}
for _, condition in ipairs(obj.status.conditions or {}) do
  conditions[condition.type] = condition
end

local function holds(name)
  return conditions[name] ~= nil and conditions[name].status == "True"
end

if holds("Stalled") then
  return health("Degraded", conditions.Stalled.message)
end
if holds("Suspended") then
  return health("Suspended", conditions.Suspended.message)
end
if holds("Reconciling") then
  return health("Progressing", conditions.Reconciling.message)
end
if holds("Ready") then
  return health("Healthy", conditions.Ready.message)
end
if conditions.Ready ~= nil and conditions.Ready.status == "False" then
  return health("Degraded", conditions.Ready.message)
end
return health("Progressing", "Waiting for Ready")
