package block

// Text is a name or description: a string, or null when it was never set or was cleared.
type Text struct {
	Value string
	Valid bool // false is null
}

// SetText makes a Text that is not null.
func SetText(value string) Text { return Text{Value: value, Valid: true} }

// TextChange is what a request says of a Text: nothing, null, or a value.
type TextChange struct {
	Given bool // false keeps what is stored
	To    Text
}
