/// The stretches of text that a report shows: the windows around all examples, joined where they touch.
struct ReportSegments {
    struct Segment {
        let document: Int
        /// Position in the context that the segment begins at.
        let start: Int
        /// 1: the context goes on before, 2: after, 3: both.
        let cut: Int
        let tokens: [Int32]
    }

    private(set) var all: [Segment] = []
    /// Numbers of the segments of a context, ascending.
    private var numbers: [Int: Range<Int>] = [:]
    private let options: Report.Options

    init(atlas: Atlas, examples: [[Atlas.ExampleRow]], options: Report.Options) throws {
        self.options = options
        var positions: [Int: [Int]] = [:]
        for example in examples.joined() { positions[example.context, default: []].append(example.position) }
        var all: [Segment] = []
        var numbers: [Int: Range<Int>] = [:]
        try atlas.forEachContext { context, document, tokens in
            guard let shown = positions[context] else { return }
            var ranges: [Range<Int>] = []
            for window in shown.sorted().map({ Self.window(around: $0, options: options, end: tokens.count) }) {
                if let last = ranges.last, window.lowerBound <= last.upperBound {
                    ranges[ranges.count - 1] = last.lowerBound..<max(last.upperBound, window.upperBound)
                } else {
                    ranges.append(window)
                }
            }
            numbers[context] = all.count..<all.count + ranges.count
            all += ranges.map {
                Segment(
                    document: document, start: $0.lowerBound,
                    cut: ($0.lowerBound > 0 ? 1 : 0) + ($0.upperBound < tokens.count ? 2 : 0), tokens: Array(tokens[$0])
                )
            }
        }
        self.all = all
        self.numbers = numbers
    }

    /// Where an example's window lies: segment, offset in it, positions in the context.
    func place(of example: Atlas.ExampleRow) -> (segment: Int, offset: Int, window: Range<Int>) {
        let segment = numbers[example.context]!.last { all[$0].start <= example.position }!
        let end = all[segment].start + all[segment].tokens.count
        let window = Self.window(around: example.position, options: options, end: end)
        return (segment, window.lowerBound - all[segment].start, window)
    }

    private static func window(around position: Int, options: Report.Options, end: Int) -> Range<Int> {
        max(0, position - options.before)..<min(end, position + options.after + 1)
    }
}
