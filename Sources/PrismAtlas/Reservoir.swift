import PrismCore

/// A uniform sample of at most `capacity` of the elements offered so far (Vitter 1985, algorithm R).
///
/// After `seen` offers every subset of `min(capacity, seen)` elements is equally likely to be the sample.
package struct Reservoir<Element> {
    package private(set) var elements: [Element] = []
    /// Elements offered so far.
    package private(set) var seen = 0

    package init() {}

    /// The slot that the next element goes to, or nil if the sample does not take it. The element itself is asked for
    /// only afterwards (`place`), because making it can cost more than turning it down.
    package mutating func offer(capacity: Int, using generator: inout SeededGenerator) -> Int? {
        seen += 1
        // There are always min(capacity, seen) elements; asking the array would cost a visit to its memory.
        if seen <= capacity { return seen - 1 }
        let slot = generator.below(seen)
        return slot < capacity ? slot : nil
    }

    package mutating func place(_ element: Element, at slot: Int) {
        if slot == elements.count { elements.append(element) } else { elements[slot] = element }
    }

    /// The sample of both inputs together.
    ///
    /// A uniform sample of a union of `m` and `n` elements holds a hypergeometric number of the first. Drawing one element
    /// after the other, each from the side chosen with probability proportional to what that side has left, gives it.
    package static func merged(
        _ a: Reservoir, _ b: Reservoir, capacity: Int, using generator: inout SeededGenerator
    ) -> Reservoir {
        if b.seen == 0 { return a }
        if a.seen == 0 { return b }
        var result = Reservoir()
        result.seen = a.seen + b.seen
        if result.seen <= capacity {
            result.elements = a.elements + b.elements
            return result
        }
        var sides = [a, b]
        for _ in 0..<capacity {
            let side = generator.below(sides[0].seen + sides[1].seen) < sides[0].seen ? 0 : 1
            sides[side].seen -= 1
            let slot = generator.below(sides[side].elements.count)
            sides[side].elements.swapAt(slot, sides[side].elements.count - 1)
            result.elements.append(sides[side].elements.removeLast())
        }
        return result
    }
}

extension SeededGenerator {
    /// Uniform in `0 ..< bound`; the bias of the multiplication is below bound / 2⁶⁴.
    mutating func below(_ bound: Int) -> Int {
        Int(next().multipliedFullWidth(by: UInt64(bound)).high)
    }
}
