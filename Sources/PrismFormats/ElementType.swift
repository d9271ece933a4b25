/// The type of the numbers in a file. Raw values are the names that safetensors uses.
public enum ElementType: String, Sendable, CaseIterable {
    case f64 = "F64"
    case f32 = "F32"
    case f16 = "F16"
    case bf16 = "BF16"
    case i64 = "I64"
    case i32 = "I32"
    case i16 = "I16"
    case i8 = "I8"
    case u64 = "U64"
    case u32 = "U32"
    case u16 = "U16"
    case u8 = "U8"
    case bool = "BOOL"

    public var byteCount: Int {
        switch self {
        case .f64, .i64, .u64: 8
        case .f32, .i32, .u32: 4
        case .f16, .bf16, .i16, .u16: 2
        case .i8, .u8, .bool: 1
        }
    }

    /// Converts little-endian numbers at any address to fp32, rounding to nearest where fp32 cannot hold them.
    package func convert(_ source: UnsafeRawPointer, count: Int, to target: UnsafeMutablePointer<Float>) {
        func each<T: BitwiseCopyable>(_: T.Type, _ float: (T) -> Float) {
            for i in 0..<count {
                target[i] = float(source.loadUnaligned(fromByteOffset: i &* MemoryLayout<T>.size, as: T.self))
            }
        }
        switch self {
        case .f64: each(UInt64.self) { Float(Double(bitPattern: UInt64(littleEndian: $0))) }
        case .f32: each(UInt32.self) { Float(bitPattern: UInt32(littleEndian: $0)) }
        case .f16: each(UInt16.self) { Float(half: UInt16(littleEndian: $0)) }
        case .bf16: each(UInt16.self) { Float(brain: UInt16(littleEndian: $0)) }
        case .i64: each(Int64.self) { Float(Int64(littleEndian: $0)) }
        case .i32: each(Int32.self) { Float(Int32(littleEndian: $0)) }
        case .i16: each(Int16.self) { Float(Int16(littleEndian: $0)) }
        case .i8: each(Int8.self) { Float($0) }
        case .u64: each(UInt64.self) { Float(UInt64(littleEndian: $0)) }
        case .u32: each(UInt32.self) { Float(UInt32(littleEndian: $0)) }
        case .u16: each(UInt16.self) { Float(UInt16(littleEndian: $0)) }
        case .u8: each(UInt8.self) { Float($0) }
        case .bool: each(UInt8.self) { $0 == 0 ? 0 : 1 }
        }
    }
}

// `Float16` does not exist on every platform the package builds for, hence the conversions by bits.
extension Float {
    /// The value of IEEE 754 half-precision bits, exactly.
    @inline(__always) package init(half: UInt16) {
        let sign = UInt32(half & 0x8000) << 16
        // Exponent and fraction moved into place are the value times 2^-112, subnormals included.
        let scaled = Float(bitPattern: UInt32(half & 0x7fff) << 13) * 0x1p112
        let notFinite: UInt32 = half & 0x7c00 == 0x7c00 ? 0x7f80_0000 : 0
        self.init(bitPattern: scaled.bitPattern | sign | notFinite)
    }

    /// The value of bfloat16 bits: the upper half of an fp32 number.
    @inline(__always) package init(brain: UInt16) { self.init(bitPattern: UInt32(brain) << 16) }

    /// bfloat16 bits, rounded to nearest, ties to even.
    package var brainBits: UInt16 {
        if isNaN { return UInt16(bitPattern >> 16) | 0x40 }
        return UInt16((bitPattern + 0x7fff + (bitPattern >> 16 & 1)) >> 16)
    }
}
