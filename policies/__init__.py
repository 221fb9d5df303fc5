"""The policies and Semgrep rules that Fixby ships, their loader, and the gate."""
