"""The embedded runtime: a Seldon cluster on one machine, on loopback.

```
control   api (objects, store, apply, watch, http) <- kubectl, our client, the gateway
          controller -> sdeps -> operator, sdep_status     SeldonDeployment -> Deployments, Services
                     -> deployments -> rollout             Deployment -> pods
                     -> pods -> container -> process, probes
gateway   follow -> routes -> gateway -> executor, upstream -> units
units     one process for each container, of the model server
```
What differs from a cluster, on purpose: pods belong to their Deployment, without ReplicaSets
between; a starting unit is asked often, so its initial delay costs nothing (`probes`); a crashed
one is started again after 0.5 s, doubling, not 10 s (`container`); the orchestrator's container is
shown, its work is the gateway's; there is no `preStop` wait, as the gateway drops a pod that goes
before its process is told; Services have no address of their own.
"""
