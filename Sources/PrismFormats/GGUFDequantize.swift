/// The numbers that quantised blocks stand for, computed with the operations, and in the order, of ggml's reference, so
/// that the results are equal bit for bit.
///
/// In the small formats a block of 32 has a scale d (fp16) and perhaps an offset m (fp16); a number is d·(q − zero) or
/// d·q + m. In the K formats a block of 256 has a scale d and a step `dmin` for 8 or 16 sub-blocks, whose own scales are
/// 4-, 6- or 8-bit integers.
extension GGUFType {
    /// - source: `blocks` blocks, at any address. - target: room for `blocks * blockCount` numbers.
    package func dequantize(_ source: UnsafeRawPointer, blocks: Int, to target: UnsafeMutablePointer<Float>) {
        if let element { return element.convert(source, count: blocks, to: target) }
        func each(_ body: (Block, UnsafeMutablePointer<Float>) -> Void) {
            let size = blockByteCount
            let count = blockCount
            for i in 0..<blocks { body(Block(start: source + i &* size), target + i &* count) }
        }
        switch self {
        case .q4_0: each(Self.q4_0)
        case .q4_1: each(Self.q4_1)
        case .q5_0: each(Self.q5_0)
        case .q5_1: each(Self.q5_1)
        case .q8_0: each(Self.q8_0)
        case .q2_K: each(Self.q2_K)
        case .q3_K: each(Self.q3_K)
        case .q4_K: each(Self.q4_K)
        case .q5_K: each(Self.q5_K)
        case .q6_K: each(Self.q6_K)
        default: preconditionFailure("\(self) is plain")
        }
    }

    /// One block's bytes.
    struct Block {
        let start: UnsafeRawPointer

        @inline(__always) subscript(_ i: Int) -> UInt8 { start.load(fromByteOffset: i, as: UInt8.self) }
        @inline(__always) func half(_ i: Int) -> Float {
            Float(half: UInt16(littleEndian: start.loadUnaligned(fromByteOffset: i, as: UInt16.self)))
        }
        @inline(__always) func word(_ i: Int) -> UInt32 {
            UInt32(littleEndian: start.loadUnaligned(fromByteOffset: i, as: UInt32.self))
        }
    }

    // MARK: blocks of 32: byte j holds number j in its low half, number j + 16 in its high half

    /// d, q[16]
    @inline(__always) private static func q4_0(_ block: Block, _ out: UnsafeMutablePointer<Float>) {
        let d = block.half(0)
        for j in 0..<16 {
            let byte = Int32(block[2 &+ j])
            out[j] = d * Float(byte & 15 &- 8)
            out[j &+ 16] = d * Float(byte >> 4 &- 8)
        }
    }

    /// d, m, q[16]
    @inline(__always) private static func q4_1(_ block: Block, _ out: UnsafeMutablePointer<Float>) {
        let d = block.half(0)
        let m = block.half(2)
        for j in 0..<16 {
            let byte = Int32(block[4 &+ j])
            out[j] = d * Float(byte & 15) + m
            out[j &+ 16] = d * Float(byte >> 4) + m
        }
    }

    /// d, fifth bits (32 bits, bit i of number i), q[16]
    @inline(__always) private static func q5_0(_ block: Block, _ out: UnsafeMutablePointer<Float>) {
        let d = block.half(0)
        let bits = block.word(2)
        for j in 0..<16 {
            let byte = Int32(block[6 &+ j])
            let low = Int32(bits >> UInt32(j) & 1) << 4
            let high = Int32(bits >> UInt32(j &+ 16) & 1) << 4
            out[j] = d * Float((byte & 15 | low) &- 16)
            out[j &+ 16] = d * Float((byte >> 4 | high) &- 16)
        }
    }

    /// d, m, fifth bits, q[16]
    @inline(__always) private static func q5_1(_ block: Block, _ out: UnsafeMutablePointer<Float>) {
        let d = block.half(0)
        let m = block.half(2)
        let bits = block.word(4)
        for j in 0..<16 {
            let byte = Int32(block[8 &+ j])
            let low = Int32(bits >> UInt32(j) & 1) << 4
            let high = Int32(bits >> UInt32(j &+ 16) & 1) << 4
            out[j] = d * Float(byte & 15 | low) + m
            out[j &+ 16] = d * Float(byte >> 4 | high) + m
        }
    }

    /// d, q[32] signed
    @inline(__always) private static func q8_0(_ block: Block, _ out: UnsafeMutablePointer<Float>) {
        let d = block.half(0)
        for j in 0..<32 { out[j] = Float(Int8(bitPattern: block[2 &+ j])) * d }
    }

    // MARK: blocks of 256: a group of 32 bytes holds 32 numbers in its lowest bits, the next 32 in the bits above …

    /// scale (low half) and minimum (high half) of 16 sub-blocks, q[64] of 2 bits, d, dmin
    @inline(__always) private static func q2_K(_ block: Block, _ out: UnsafeMutablePointer<Float>) {
        let d = block.half(80)
        let dmin = block.half(82)
        for sub in 0..<16 {
            let scale = d * Float(block[sub] & 15)
            let minimum = dmin * Float(block[sub] >> 4)
            let bytes = 16 &+ sub / 8 &* 32 &+ sub % 2 &* 16
            let shift = UInt8(sub % 8 / 2 &* 2)
            for j in 0..<16 { out[sub &* 16 &+ j] = scale * Float(block[bytes &+ j] >> shift & 3) - minimum }
        }
    }

    /// third bits [32], q[64] of 2 bits, 16 scales of 6 bits in 12 bytes, d. A third bit that is *not* set means −4.
    @inline(__always) private static func q3_K(_ block: Block, _ out: UnsafeMutablePointer<Float>) {
        let d = block.half(108)
        for sub in 0..<16 {
            let low = block[96 &+ sub % 8] >> UInt8(sub / 8 &* 4) & 15
            let high = block[104 &+ sub % 4] >> UInt8(sub / 4 &* 2) & 3
            let scale = d * Float(Int32(low | high << 4) &- 32)
            let column = sub % 2 &* 16
            let bytes = 32 &+ sub / 8 &* 32 &+ column
            let shift = UInt8(sub % 8 / 2 &* 2)
            let bit = UInt8(sub / 2)
            for j in 0..<16 {
                let q = Int32(block[bytes &+ j] >> shift & 3) &- 4 &+ Int32(block[column &+ j] >> bit & 1) &* 4
                out[sub &* 16 &+ j] = scale * Float(q)
            }
        }
    }

    /// The 6-bit scale and minimum of one of 8 sub-blocks, packed into 12 bytes from `start`.
    @inline(__always) private static func packed(_ block: Block, _ start: Int, _ sub: Int) -> (scale: Float, minimum: Float) {
        if sub < 4 { return (Float(block[start &+ sub] & 63), Float(block[start &+ 4 &+ sub] & 63)) }
        let both = block[start &+ 4 &+ sub]
        return (
            Float(both & 15 | (block[start &+ sub &- 4] >> 6) << 4), Float(both >> 4 | (block[start &+ sub] >> 6) << 4)
        )
    }

    /// d, dmin, scales [12], q[128] of 4 bits
    @inline(__always) private static func q4_K(_ block: Block, _ out: UnsafeMutablePointer<Float>) {
        let d = block.half(0)
        let dmin = block.half(2)
        for sub in 0..<8 {
            let (s, m) = packed(block, 4, sub)
            let scale = d * s
            let minimum = dmin * m
            let bytes = 16 &+ sub / 2 &* 32
            let shift = UInt8(sub % 2 &* 4)
            for j in 0..<32 { out[sub &* 32 &+ j] = scale * Float(block[bytes &+ j] >> shift & 15) - minimum }
        }
    }

    /// d, dmin, scales [12], fifth bits [32], q[128] of 4 bits
    @inline(__always) private static func q5_K(_ block: Block, _ out: UnsafeMutablePointer<Float>) {
        let d = block.half(0)
        let dmin = block.half(2)
        for sub in 0..<8 {
            let (s, m) = packed(block, 4, sub)
            let scale = d * s
            let minimum = dmin * m
            let bytes = 48 &+ sub / 2 &* 32
            let shift = UInt8(sub % 2 &* 4)
            let bit = UInt8(sub)
            for j in 0..<32 {
                let q = block[bytes &+ j] >> shift & 15 | (block[16 &+ j] >> bit & 1) << 4
                out[sub &* 32 &+ j] = scale * Float(q) - minimum
            }
        }
    }

    /// low halves [128], upper 2 bits [64], 16 signed scales, d
    @inline(__always) private static func q6_K(_ block: Block, _ out: UnsafeMutablePointer<Float>) {
        let d = block.half(208)
        for sub in 0..<16 {
            let scale = d * Float(Int8(bitPattern: block[192 &+ sub]))
            let row = sub / 2 % 4
            let column = sub % 2 &* 16
            let low = sub / 8 &* 64 &+ row % 2 &* 32 &+ column
            let lowShift = UInt8(row / 2 &* 4)
            let high = 128 &+ sub / 8 &* 32 &+ column
            let highShift = UInt8(row &* 2)
            for j in 0..<16 {
                let q = block[low &+ j] >> lowShift & 15 | (block[high &+ j] >> highShift & 3) << 4
                out[sub &* 16 &+ j] = scale * Float(Int32(q) &- 32)
            }
        }
    }
}
