// Package image is the small image face: as much of Glance as it takes to bring
// raw bytes into images, make volumes from them, and read them again. There are no
// members, stores, tasks and imports.
//
// Source: Glance API reference v2; keystone-calls 3, client-wire 2. Begin with image.go.
package image
