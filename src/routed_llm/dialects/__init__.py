"""The wire's languages: each turns a request into a body, and bytes into the closed set of events. No I/O."""
