/// Separates numbers (general category N) from the rest: each digit alone, or whole runs.
package struct DigitsSplitter: PieceSplitter {
    let individually: Bool

    package func split(_ text: UnsafeBufferPointer<UInt8>, _ range: Range<Int>, _ piece: (Range<Int>) -> Void) {
        let classes = ScalarClass.Reader(text)
        var start = range.lowerBound
        var position = start
        var inNumber = false
        while position < range.upperBound {
            let (kind, length) = classes.at(position)
            let isNumber = kind == .number
            if position > start, isNumber != inNumber || isNumber && individually {
                piece(start..<position)
                start = position
            }
            inNumber = isNumber
            position += length
        }
        if start < position { piece(start..<position) }
    }
}
