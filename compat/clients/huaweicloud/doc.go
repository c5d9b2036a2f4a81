// Command huaweicloud runs the vendor's Go SDK (huaweicloud-sdk-go-v3, services/evs)
// and gophertelekomcloud against a server, both with an access key: look the project
// up, create, read, rename and describe a snapshot, roll back, delete. It is a module
// of its own, so that the server's stays free of clients.
package main
