package wire

// versionSegment is the version's part of a path.
func (x *Exchange) versionSegment() string {
	switch x.API {
	case V1:
		return "/v1"
	case V2:
		return "/v2"
	case V21:
		return "/v2.1"
	case V3:
		return "/v3"
	case V5:
		return "/v5"
	}
	return ""
}

// AppendURL appends the address of path (below the project) in the request's
// own version; path begins with a slash.
func (x *Exchange) AppendURL(dst []byte, path string) []byte {
	dst = append(dst, x.Base...)
	dst = append(dst, x.versionSegment()...)
	dst = append(dst, '/')
	dst = append(dst, x.Project...)
	return append(dst, path...)
}
