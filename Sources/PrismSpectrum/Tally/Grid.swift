import PrismTensor

/// Rows of counts or sums, zero at first. Refers to its memory; threads that write it have rows of their own.
struct Grid<Element>: @unchecked Sendable {
    let rowCount, columnCount: Int
    let data: UnsafeMutablePointer<Element>
    private let memory: Memory

    /// - Element: a type whose bytes of zero are its nothing.
    init(_ rowCount: Int, _ columnCount: Int, of type: Element.Type) {
        self.rowCount = rowCount
        self.columnCount = columnCount
        memory = Memory(byteCount: rowCount * columnCount * MemoryLayout<Element>.stride)
        data = memory.start.assumingMemoryBound(to: Element.self)
    }

    subscript(row: Int) -> UnsafeMutablePointer<Element> { data + row * columnCount }

    /// A row as an array.
    func row(_ row: Int) -> [Element] { Array(UnsafeBufferPointer(start: self[row], count: columnCount)) }
}
