import PrismCore
import PrismTensor

/// Named tensors in files: what a model or a dictionary is loaded from.
public protocol WeightSource: Sendable {
    /// The names of all tensors, sorted.
    var names: [String] { get }

    /// Dimensions, outermost first; nil if there is no such tensor.
    func shape(of name: String) -> [Int]?

    /// A tensor as fp32. Its memory may be the mapped file itself, which cannot be written: `copy()` it before
    /// changing it.
    /// - shape: what the caller needs it to be; nil takes any.
    /// - Throws: `PrismError.badData` if there is no such tensor or its shape is another.
    func tensor(_ name: String, shape: [Int]?) throws -> Tensor
}

/// One file of named tensors whose element types its users check.
public protocol TensorFile: WeightSource {
    /// The file, as messages name it.
    var path: String { get }
    /// nil if there is no such tensor.
    func elementType(of name: String) -> ElementType?
}

extension WeightSource {
    public func tensor(_ name: String) throws -> Tensor { try tensor(name, shape: nil) }
}

extension FileBytes {
    /// Checks a tensor found in this file against what its user needs.
    func check(_ name: String, shape found: [Int], expected: [Int]?) throws {
        guard let expected, expected != found else { return }
        throw problem(
            "tensor ‘\(name)’ has shape \(found), expected \(expected)",
            remedy: "check that the file belongs to this model or dictionary")
    }

    /// - names: what the file does hold, to name the likeliest meant.
    func missing(_ name: String, among names: some Collection<String>) -> PrismError {
        let some = names.sorted().prefix(5).map { "‘\($0)’" }.joined(separator: ", ")
        let held = names.isEmpty ? "none" : "\(names.count), such as \(some)"
        return problem(
            "there is no tensor ‘\(name)’; the file holds \(held)",
            remedy: "check that the file belongs to this model or dictionary")
    }
}
