import Foundation

/// The one source of randomness: xoshiro256** (Blackman and Vigna 2018), seeded through SplitMix64.
///
/// Every use draws from its own named stream, so that adding a draw in one place moves no number elsewhere. The state is
/// `Codable`: a checkpoint that holds it continues the very same sequence.
public struct SeededGenerator: RandomNumberGenerator, Codable, Hashable, Sendable {
    private var state: [UInt64]

    /// - stream: names the use, for example "shuffle"; equal seed and stream give equal sequences.
    public init(seed: UInt64, stream: String) {
        // FNV-1a over the stream's name separates the streams of one seed.
        var mixed = stream.utf8.reduce(seed ^ 0xcbf2_9ce4_8422_2325) { ($0 ^ UInt64($1)) &* 0x100_0000_01b3 }
        state = (0..<4).map { _ in
            mixed &+= 0x9e37_79b9_7f4a_7c15
            var z = mixed
            z = (z ^ (z >> 30)) &* 0xbf58_476d_1ce4_e5b9
            z = (z ^ (z >> 27)) &* 0x94d0_49bb_1331_11eb
            return z ^ (z >> 31)
        }
    }

    public mutating func next() -> UInt64 {
        func rotated(_ x: UInt64, _ k: UInt64) -> UInt64 { (x << k) | (x >> (64 - k)) }
        let result = rotated(state[1] &* 5, 7) &* 9
        let t = state[1] << 17
        state[2] ^= state[0]
        state[3] ^= state[1]
        state[1] ^= state[2]
        state[0] ^= state[3]
        state[2] ^= t
        state[3] = rotated(state[3], 45)
        return result
    }

    /// Uniform in [0, 1), 24 bits.
    public mutating func uniform() -> Float { Float(next() >> 40) * 0x1p-24 }

    /// Standard normal, by Box and Muller 1958.
    public mutating func normal() -> Float {
        let radius = (-2 * log(1 - Double(uniform()))).squareRoot()
        return Float(radius * cos(2 * .pi * Double(uniform())))
    }
}
