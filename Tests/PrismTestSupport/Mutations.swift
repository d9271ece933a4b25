import Foundation
import PrismCore

/// Damaged variants of a valid file, the same ones each time: cut off at every length (of a long file at `cuts` of them),
/// and `count` times a few bits flipped, a field overwritten with a number that readers trip over, or a number in the text
/// made longer.
public func forEachMutation(
    of data: Data, header: Int, count: Int, cuts: Int = 4000, _ body: (Data, _ what: String) throws -> Void
) rethrows {
    let step = max(1, data.count / cuts)
    for length in stride(from: 0, to: data.count, by: step) {
        try body(Data(data.prefix(length)), "cut off at \(length)")
    }

    var generator = SeededGenerator(seed: 1, stream: "mutations")
    let telling: [UInt64] = [
        0, 1, 2, 7, 31, 255, 256, 1 << 20, 1 << 31, 1 << 32 - 1, 1 << 60, 1 << 62, 1 << 63, .max, .max - 7,
    ]
    for number in 0..<count {
        var damaged = data
        var what = "mutation \(number):"
        for _ in 0..<Int.random(in: 1...3, using: &generator) {
            // Mostly in the header, where a byte means most.
            let range = Bool.random(using: &generator) ? 0..<min(header, data.count) : 0..<data.count
            let position = Int.random(in: range, using: &generator)
            switch Int.random(in: 0..<5, using: &generator) {
            case 0:
                damaged[position] ^= 1 << UInt8.random(in: 0..<8, using: &generator)
            case 1:
                damaged[position] = UInt8.random(in: 0...255, using: &generator)
            case 2:
                // A digit is worth another digit to parsers of text.
                damaged[position] = UInt8.random(in: 0x30...0x39, using: &generator)
            case 3:
                // So that a size in a configuration or header is one that no memory holds.
                let digit = damaged[position...].firstIndex { (0x31...0x39).contains($0) } ?? position
                let zeros = Int.random(in: 1...18, using: &generator)
                damaged.insert(contentsOf: [UInt8](repeating: 0x30, count: zeros), at: digit + 1)
            default:
                let value = telling.randomElement(using: &generator)!
                let width = [4, 8].randomElement(using: &generator)!
                for i in 0..<width where position + i < damaged.count {
                    damaged[position + i] = UInt8(truncatingIfNeeded: value >> UInt64(8 * i))
                }
            }
            what += " at \(position)"
        }
        try body(damaged, what)
    }
}
