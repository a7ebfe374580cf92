"""Who can be called: endpoints over the transport seam, framework objects, SDK clients, and the sandbox."""
