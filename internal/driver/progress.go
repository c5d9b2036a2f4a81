package driver

import "context"

type progressKey struct{}

// WithProgress gives a context through which a long call tells how far it has come.
func WithProgress(ctx context.Context, tell func(percent int)) context.Context {
	return context.WithValue(ctx, progressKey{}, tell)
}

// Progress tells whoever made the call of ctx how much of it is done, in percent.
// A driver whose calls take long calls it now and then; it costs next to nothing.
func Progress(ctx context.Context, percent int) {
	if tell, ok := ctx.Value(progressKey{}).(func(int)); ok {
		tell(percent)
	}
}
