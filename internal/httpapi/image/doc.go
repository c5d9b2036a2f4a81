// Package image is the small image face: as much of Glance as keeps clients from
// refusing to create a volume because the catalog has no image service. There
// are no images.
//
// Source: keystone-calls 3, client-wire 2. Begin with image.go.
package image
