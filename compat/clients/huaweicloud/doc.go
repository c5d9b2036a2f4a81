// Command huaweicloud runs the vendor's Go SDK (huaweicloud-sdk-go-v3, services/evs)
// and gophertelekomcloud against a server, both with an access key: each method of the
// SDK's client at least once, refusals read by its typed error, a throttled call tried
// again. It is a module of its own, so that the server's stays free of clients.
package main
