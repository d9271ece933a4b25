import PrismCore
import PrismFormats
import PrismTensor

/// The tensors of one dictionary in a file: just those that its kind has, of the right shapes and types, all finite.
struct StrictTensors {
    let file: any TensorFile
    private let shapes: [String: [Int]]
    private let types: Set<ElementType>
    private let hint: String

    private static let floats: Set<ElementType> = [.f64, .f32, .f16, .bf16]

    /// - kind: the kind of dictionary, as messages name it.
    /// - shapes: what it has, [name: shape]. optional: what it may have; shapes there too.
    /// - types: of the tensors that `callAsFunction` reads. hint: what says so, in a message.
    init(
        _ file: any TensorFile, kind: String, _ shapes: [String: [Int]], optional: [String: [Int]] = [:],
        types: Set<ElementType> = floats, hint: String = ""
    ) throws {
        let all = shapes.merging(optional) { first, _ in first }
        if let surplus = file.names.first(where: { all[$0] == nil }) {
            throw PrismError.badData(
                "\(file.path): tensor ‘\(surplus)’ does not belong to a \(kind) dictionary, "
                    + "expected only \(all.keys.sorted().joined(separator: ", ")); "
                    + "correct the configuration or write the dictionary again")
        }
        (self.file, self.shapes, self.types, self.hint) = (file, all, types, hint)
    }

    func has(_ name: String) -> Bool { file.shape(of: name) != nil }

    /// A tensor of floating-point numbers, as fp32.
    func callAsFunction(_ name: String) throws -> Tensor {
        let tensor = try read(name, types, hint)
        if let place = (0..<tensor.count).first(where: { !tensor.data[$0].isFinite }) {
            throw PrismError.badData(
                "\(file.path): tensor ‘\(name)’ holds \(tensor.data[place]) at place \(place), expected finite numbers; "
                    + "the training diverged or the file is damaged")
        }
        return tensor
    }

    /// A tensor of whole numbers.
    func integers(_ name: String) throws -> [Int] {
        try read(name, [.i64, .i32], "").values.map { number in
            guard let integer = Int(exactly: number) else {
                throw PrismError.badData("\(file.path): tensor ‘\(name)’ holds \(number); the file is damaged")
            }
            return integer
        }
    }

    private func read(_ name: String, _ types: Set<ElementType>, _ hint: String) throws -> Tensor {
        let tensor = try file.tensor(name, shape: shapes[name])
        let found = file.elementType(of: name)!
        guard types.contains(found) else {
            let expected = types.map(\.rawValue).sorted().joined(separator: " or ")
            throw PrismError.badData(
                "\(file.path): tensor ‘\(name)’ has dtype \(found.rawValue), expected \(expected)\(hint); "
                    + "correct the configuration or write the dictionary again")
        }
        return tensor
    }
}

extension TensorFile {
    /// One dimension of a tensor that the others' shapes follow from.
    func dimension(_ axis: Int, of name: String, rank: Int) throws -> Int {
        guard let shape = shape(of: name) else { return try tensor(name).shape[axis] }
        guard shape.count == rank, shape.allSatisfy({ $0 > 0 }) else {
            throw PrismError.badData(
                "\(path): tensor ‘\(name)’ has shape \(shape), expected \(rank) dimensions, none of them 0; "
                    + "check that the file belongs to this kind of dictionary")
        }
        return shape[axis]
    }
}
